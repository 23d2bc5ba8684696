//! Defaults and examples of checks and of what a service does when real servers fail.

use serde_json::{Value, json};

pub(super) fn defaults() -> Vec<(&'static str, Value)> {
    let mut defaults = vec![
        ("Check.interval", json!("500ms")),
        ("Check.timeout", json!("500ms")),
        ("Check.rise", json!(2)),
        ("Check.fall", json!(3)),
        ("Check.fast_retry", json!("125ms")),
        ("Check.warm_up", json!("500ms")),
        ("Check.way", json!("server")),
        ("Check.agent", json!("none")),
        ("TlsCheck.verify", json!(false)),
        ("TlsCheck.minimum_version", json!("tls1.2")),
        ("TlsCheck.expiry_warning", json!("14d")),
        ("HttpCheck.path", json!("/")),
        ("HttpCheck.method", json!("GET")),
        ("HttpCheck.status", json!(["200-299"])),
        ("HttpCheck.body_limit", json!(1_048_576)),
        ("HttpCheck.version", json!("http1.1")),
        ("DnsCheck.name", json!(".")),
        ("DnsCheck.record", json!("SOA")),
        ("DnsCheck.tcp", json!(false)),
        ("SmtpCheck.hello", json!("localhost")),
        ("SmtpCheck.security", json!("none")),
        ("PingCheck.size", json!(32)),
        ("ExecCheck.reads_agent", json!(false)),
        ("FileCheck.missing_is_up", json!(false)),
        ("AgentCheck.port", json!(3333)),
        ("AgentCheck.interval", json!("5s")),
        ("AgentCheck.stale_after", json!("30s")),
        ("Quorum.minimum", json!(1)),
        ("Quorum.hysteresis", json!(0)),
        ("Quorum.count", json!("real_servers")),
        ("Drain.timeout", json!("60s")),
        ("Drain.then", json!("remove")),
        ("Drain.remaining", json!("leave")),
        ("MassFailure.share", json!("60%")),
        ("MassFailure.within", json!("2s")),
        ("MassFailure.then", json!("alarm")),
        ("VirtualService.mass_failure", json!("none")),
        ("Pool.mass_failure", json!("none")),
    ];
    defaults.extend([
        ("VirtualService.on_failure", json!("remove")),
        ("VirtualService.slow_start", json!("0s")),
        ("ServiceDefaults.on_failure", json!("remove")),
        ("ServiceDefaults.slow_start", json!("0s")),
        ("ServiceDefaults.mass_failure", json!("none")),
    ]);
    defaults
}

pub(super) fn examples() -> Vec<(&'static str, Value)> {
    let mut examples = service_examples();
    examples.extend(kinds());
    examples.extend(options());
    examples
}

fn service_examples() -> Vec<(&'static str, Value)> {
    let quorum = json!({ "minimum": 2, "hysteresis": 1 });
    let drain = json!({ "timeout": "5m", "remaining": "reset" });
    let guard = json!({ "share": "60%", "within": "2s", "then": "alarm" });
    let http = json!({ "http": { "path": "/healthz" }, "interval": "2s" });
    vec![
        ("VirtualService.check", http.clone()),
        ("Pool.check", http),
        ("RealServer.check", json!("none")),
        (
            "Defaults.check",
            json!({ "interval": "2s", "timeout": "1s", "fall": 2 }),
        ),
        ("VirtualService.quorum", quorum.clone()),
        ("ServiceDefaults.quorum", quorum),
        ("VirtualService.drain", drain.clone()),
        ("ServiceDefaults.drain", drain),
        ("VirtualService.slow_start", json!("30s")),
        ("ServiceDefaults.slow_start", json!("30s")),
        ("VirtualService.mass_failure", guard.clone()),
        ("ServiceDefaults.mass_failure", guard.clone()),
        ("Pool.mass_failure", guard),
        ("Quorum.minimum", json!(2)),
        ("Drain.timeout", json!("5m")),
        ("MassFailure.within", json!("2s")),
    ]
}

fn kinds() -> Vec<(&'static str, Value)> {
    let http = json!({ "path": "/healthz", "status": [200, "300-399"], "body": "OK" });
    vec![
        (
            "Check.tcp",
            json!({ "send": "PING\\r\\n", "expect": "^\\+PONG" }),
        ),
        ("Check.http", http.clone()),
        ("Check.https", http),
        (
            "Check.udp",
            json!({ "send": "\\x00\\x01", "expect": "ready" }),
        ),
        (
            "Check.dns",
            json!({ "name": "www.example.com", "record": "A" }),
        ),
        ("Check.smtp", json!({ "security": "starttls" })),
        ("Check.ping", json!({ "size": 64 })),
        ("Check.grpc", json!({ "service": "shop.Cart" })),
        ("Check.ftp", json!({})),
        ("Check.imap", json!({ "tls": {} })),
        ("Check.pop", json!({})),
        ("Check.nntp", json!({})),
        ("Check.mysql", json!({})),
        ("Check.redis", json!({})),
        (
            "Check.exec",
            json!({ "command": ["/etc/farmctl/scripts/replica", "--lag", "5"] }),
        ),
        (
            "Check.file",
            json!({ "path": "/run/farmctl/checks/{name}" }),
        ),
        ("Check.agent", json!({ "port": 3333 })),
        ("Check.interval", json!("2s")),
        ("Check.timeout", json!("1s")),
        ("Check.fast_retry", json!("200ms")),
        ("Check.warm_up", json!("5s")),
        ("Check.port", json!(8081)),
        ("Check.namespace", json!("blue")),
    ]
}

fn options() -> Vec<(&'static str, Value)> {
    let tls = json!({ "server_name": "www.example.com", "verify": true });
    vec![
        ("TcpCheck.send", json!("PING\\r\\n")),
        ("TcpCheck.expect", json!("^\\+PONG")),
        ("TcpCheck.tls", tls.clone()),
        ("TlsCheck.server_name", json!("www.example.com")),
        ("HttpCheck.path", json!("/healthz")),
        ("HttpCheck.host", json!("www.example.com")),
        ("HttpCheck.headers", json!({ "User-Agent": "farmctl" })),
        ("HttpCheck.status", json!([200, "300-399"])),
        ("HttpCheck.body", json!("OK")),
        (
            "HttpCheck.body_matches",
            json!("\"state\": *\"(up|degraded)\""),
        ),
        ("HttpCheck.body_lacks", json!("maintenance")),
        ("HttpCheck.tls", tls.clone()),
        ("UdpCheck.send", json!("\\x00\\x01")),
        ("UdpCheck.expect", json!("ready")),
        ("DnsCheck.name", json!("www.example.com")),
        ("SmtpCheck.hello", json!("lb1.example.com")),
        ("SmtpCheck.tls", tls.clone()),
        ("GrpcCheck.service", json!("shop.Cart")),
        ("GrpcCheck.authority", json!("shop.example.com")),
        ("GrpcCheck.tls", tls.clone()),
        ("BannerCheck.tls", tls),
        (
            "ExecCheck.command",
            json!(["/etc/farmctl/scripts/replica", "--lag", "5"]),
        ),
        ("ExecCheck.environment", json!({ "PGUSER": "checker" })),
        ("FileCheck.path", json!("/run/farmctl/checks/{name}")),
        ("AgentCheck.send", json!("state\\n")),
        ("AgentCheck.stale_after", json!("30s")),
    ]
}
