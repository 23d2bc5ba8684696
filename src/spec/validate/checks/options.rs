//! Options of kinds that contradict each other, or that could not be sent.
//!
//! Each check is looked at by itself. Called by `validate`.

use std::net::IpAddr;

use super::super::context::{Context, at};
use super::super::directors::out_of_range;
use super::{Written, written};
use crate::spec::{
    Check, DnsCheck, DnsRecord, GrpcCheck, HttpCheck, HttpMethod, Path, PingCheck, Place, Problem,
    SmtpSecurity, TlsCheck,
};

/// No option is without an effect, or stands in another's way.
pub(in crate::spec::validate) fn options_of_checks_have_an_effect(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for Written { path, check } in written(context) {
        for (key, http) in [("http", &check.http), ("https", &check.https)] {
            if let Some(http) = http {
                problems.extend(http_problems(http, &path.key(key)));
            }
        }
        problems.extend(plain_http(check, &path));
        problems.extend(
            check
                .dns
                .iter()
                .flat_map(|dns| dns_problems(dns, &path.key("dns"))),
        );
        problems.extend(smtp_without_tls(check, &path));
        problems.extend(
            check
                .ping
                .as_ref()
                .and_then(|ping| size(ping, &path.key("ping"))),
        );
        problems.extend(
            check
                .grpc
                .as_ref()
                .and_then(|grpc| authority(grpc, &path.key("grpc"))),
        );
        for (path, tls) in tls_of(check, &path) {
            problems.extend(tls_problems(tls, &path));
        }
    }
}

fn contradiction(place: Place, message: impl Into<String>) -> Problem {
    Problem::error("check-options", place, message)
}

/// `tls` beside a request that has none.
fn plain_http(check: &Check, path: &Path) -> Option<Problem> {
    check.http.as_ref()?.tls.as_ref()?;
    Some(
        contradiction(
            Place::Key(path.key("http").key("tls")),
            "`http` speaks no TLS",
        )
        .labelled("has no effect here")
        .helped("write `https` in place of `http`, or leave `tls` out"),
    )
}

fn http_problems(http: &HttpCheck, path: &Path) -> Vec<Problem> {
    let target = http.path.as_deref().filter(|target| !is_target(target));
    let target = target.map(|target| bad_target(path.key("path"), target));
    let host = http.host.as_deref().filter(|host| !is_host(host));
    let host = host.map(|host| bad_host(path.key("host"), host));
    let limit = http
        .body_limit
        .filter(|limit| !(1..=BODY_LARGEST).contains(limit));
    let limit = limit.map(|limit| {
        let range = format!("a number of bytes from 1 to {BODY_LARGEST}");
        out_of_range(
            path.key("body_limit"),
            "body_limit",
            u64::from(limit),
            &range,
        )
    });
    let found = target.into_iter().chain(host).chain(limit);
    found
        .chain(body_of_head(http, path))
        .chain(headers(http, path))
        .collect()
}

/// No more of a body is read for a check: 16 MiB.
const BODY_LARGEST: u32 = 16 << 20;

fn is_target(target: &str) -> bool {
    target.starts_with('/') && target.chars().all(|c| c.is_ascii_graphic())
}

fn bad_target(path: Path, target: &str) -> Problem {
    contradiction(
        at(path),
        format!("`{}` is no path of a request", target.escape_debug()),
    )
    .labelled("cannot be asked for")
    .helped("write it from `/`; spaces and other characters as `%20`, and the host in `host`")
}

fn is_host(host: &str) -> bool {
    let odd = |c: char| !c.is_ascii_graphic() || matches!(c, '/' | '@' | '?' | '#' | '\\');
    !host.is_empty() && !host.contains(odd)
}

fn bad_host(path: Path, host: &str) -> Problem {
    contradiction(at(path), format!("`{}` is no host", host.escape_debug()))
        .labelled("cannot be asked for")
        .helped("write a name or an address, with `:port` where needed, such as `www.example.com`")
}

fn body_of_head(http: &HttpCheck, path: &Path) -> Option<Problem> {
    let looks = [
        ("body", &http.body),
        ("body_matches", &http.body_matches),
        ("body_lacks", &http.body_lacks),
    ];
    let (key, _) = looks.into_iter().find(|(_, text)| text.is_some())?;
    (http.method() == HttpMethod::Head).then(|| {
        contradiction(
            at(path.key(key)),
            format!("an answer to HEAD has no body, and `{key}` looks at it"),
        )
        .labelled("would never be good")
        .helped("leave `method` out, which is GET, or look at `status` alone")
        .related(at(path.key("method")), "the method")
    })
}

/// Headers that a request can carry, and that farmctl does not make itself.
fn headers(http: &HttpCheck, path: &Path) -> Vec<Problem> {
    let path = path.key("headers");
    let own = ["host", "content-length", "transfer-encoding", "connection"];
    let mut problems = Vec::new();
    for (name, value) in &http.headers {
        let place = Place::Key(path.key(name));
        if own.contains(&name.to_lowercase().as_str()) {
            let help = match name.to_lowercase().as_str() {
                "host" => "write it in `host`",
                _ => "leave it out",
            };
            let problem = contradiction(place, format!("farmctl sets the header `{name}` itself"));
            problems.push(problem.labelled("would be there twice").helped(help));
        } else if !is_token(name) || value.contains(|c: char| c.is_control() && c != '\t') {
            let text = name.escape_debug();
            let problem = contradiction(place, format!("the header `{text}` cannot be sent"));
            problems.push(problem.labelled("no header").helped(
                "a name has letters, digits and `-`; a value has no line breaks (RFC 9110, 5.5)",
            ));
        }
    }
    problems
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    let special = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    let good = |byte: u8| byte.is_ascii_alphanumeric() || special(byte);
    !name.is_empty() && name.bytes().all(good)
}

fn dns_problems(dns: &DnsCheck, path: &Path) -> Vec<Problem> {
    let name = dns.name.as_deref().filter(|name| !is_dns_name(name));
    let name = name.map(|name| {
        let text = name.escape_debug();
        contradiction(
            at(path.key("name")),
            format!("`{text}` is no name of the DNS"),
        )
        .labelled("cannot be asked for")
        .helped("labels of 1 to 63 characters with dots between, 253 in all; `.` is the root")
    });
    let address = dns
        .address
        .and_then(|address| other_record(dns, address, path));
    name.into_iter().chain(address).collect()
}

fn is_dns_name(name: &str) -> bool {
    let plain = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        let printable = label.bytes().all(|byte| byte.is_ascii_graphic());
        (1..=63).contains(&label.len()) && printable
    };
    name == "." || (plain.len() <= 253 && plain.split('.').all(label))
}

fn other_record(dns: &DnsCheck, address: IpAddr, path: &Path) -> Option<Problem> {
    let fits = match dns.record() {
        DnsRecord::A => address.is_ipv4(),
        DnsRecord::Aaaa => address.is_ipv6(),
        DnsRecord::Cname
        | DnsRecord::Mx
        | DnsRecord::Ns
        | DnsRecord::Ptr
        | DnsRecord::Soa
        | DnsRecord::Srv
        | DnsRecord::Txt => false,
    };
    let record = if address.is_ipv4() { "A" } else { "AAAA" };
    (!fits).then(|| {
        contradiction(
            at(path.key("address")),
            format!("{address} is never in an answer to this question"),
        )
        .labelled("would never be good")
        .helped(format!("ask with `name: …` and `record: {record}`"))
    })
}

fn smtp_without_tls(check: &Check, path: &Path) -> Option<Problem> {
    let smtp = check.smtp.as_ref()?;
    smtp.tls.as_ref()?;
    (smtp.security() == SmtpSecurity::None).then(|| {
        contradiction(
            Place::Key(path.key("smtp").key("tls")),
            "`tls` says how, but `security` says that no TLS is spoken",
        )
        .labelled("has no effect")
        .helped("write `security: starttls` or `security: tls` beside it")
    })
}

fn size(ping: &PingCheck, path: &Path) -> Option<Problem> {
    let size = ping.size.filter(|size| *size > 1400)?;
    let range = "a number of bytes from 0 to 1400";
    Some(out_of_range(
        path.key("size"),
        "size",
        u64::from(size),
        range,
    ))
}

fn authority(grpc: &GrpcCheck, path: &Path) -> Option<Problem> {
    let authority = grpc.authority.as_deref().filter(|host| !is_host(host))?;
    Some(bad_host(path.key("authority"), authority))
}

/// Every `tls` of a check, with its place.
fn tls_of<'a>(check: &'a Check, path: &Path) -> Vec<(Path, &'a TlsCheck)> {
    let banners = [
        ("ftp", &check.ftp),
        ("imap", &check.imap),
        ("pop", &check.pop),
        ("nntp", &check.nntp),
        ("mysql", &check.mysql),
        ("redis", &check.redis),
    ];
    let banners = banners
        .into_iter()
        .map(|(key, banner)| (key, banner.as_ref().and_then(|banner| banner.tls.as_ref())));
    let tcp = check.tcp.as_ref().and_then(|tcp| tcp.tls.as_ref());
    let https = check.https.as_ref().and_then(|https| https.tls.as_ref());
    let smtp = check.smtp.as_ref().and_then(|smtp| smtp.tls.as_ref());
    let grpc = check.grpc.as_ref().and_then(|grpc| grpc.tls.as_ref());
    [
        ("tcp", tcp),
        ("https", https),
        ("smtp", smtp),
        ("grpc", grpc),
    ]
    .into_iter()
    .chain(banners)
    .filter_map(|(key, tls)| Some((path.key(key).key("tls"), tls?)))
    .collect()
}

fn tls_problems(tls: &TlsCheck, path: &Path) -> Vec<Problem> {
    let pair = match (&tls.certificate_file, &tls.key_file) {
        (Some(_), None) => Some(("certificate_file", "key_file")),
        (None, Some(_)) => Some(("key_file", "certificate_file")),
        (Some(_), Some(_)) | (None, None) => None,
    };
    let pair = pair.map(|(there, missing)| {
        contradiction(
            at(path.key(there)),
            format!("`{there}` needs `{missing}` beside it"),
        )
        .labelled("only one of the two")
        .helped(format!(
            "write `{missing}` too: a certificate is shown with its key"
        ))
    });
    let trusted = tls.ca_file.as_ref().filter(|_| !tls.verify());
    let trusted = trusted.map(|_| {
        Problem::warning(
            "tls-unverified",
            at(path.key("ca_file")),
            "`ca_file` has no effect: the certificate is not verified",
        )
        .labelled("not looked at")
        .helped("write `verify: true` beside it")
    });
    let name = tls.server_name.as_deref().filter(|name| !is_host(name));
    let name = name.map(|name| bad_host(path.key("server_name"), name));
    pair.into_iter().chain(trusted).chain(name).collect()
}
