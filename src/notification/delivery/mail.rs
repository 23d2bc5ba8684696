//! A mail by SMTP (RFC 5321), with STARTTLS (RFC 3207), TLS (RFC 8314) or neither.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::secret;
use crate::notification::engine::Failure;
use crate::notification::message::Message;
use crate::spec::{Mail, MailSecurity};

/// So long a whole conversation with a mail server may take: many check what they get (greylists,
/// delays before the greeting), so it is longer than for the others.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

/// Sends a mail.
pub(super) async fn deliver(to: &Mail, message: &Message) -> Result<(), Failure> {
    let mail = compose(to, message)?;
    let transport = transport(to, message).await?;
    let sent = transport.send(mail).await;
    sent.map(drop).map_err(|error| judge(&error))
}

fn compose(to: &Mail, message: &Message) -> Result<lettre::Message, Failure> {
    let date = UNIX_EPOCH + Duration::from_millis(message.at);
    let from = mailbox(&to.from)?;
    let id = format!("<farmctl.{}.{}.{}>", message.at, message.number, from.email);
    let mut builder = lettre::Message::builder()
        .date(date)
        .message_id(Some(id))
        .from(from)
        .subject(message.subject())
        .header(ContentType::TEXT_PLAIN);
    for address in &to.to.0 {
        builder = builder.to(mailbox(address)?);
    }
    let mail = by_a_program(builder).body(message.text());
    mail.map_err(|error| unusable(&format!("the mail can't be made: {error}")))
}

/// Nobody's holiday notice answers it (RFC 3834).
fn by_a_program(builder: MessageBuilder) -> MessageBuilder {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    builder.raw_header(HeaderValue::new(name, "auto-generated".to_owned()))
}

fn mailbox(address: &str) -> Result<Mailbox, Failure> {
    let parsed = address.parse();
    parsed.map_err(|error| unusable(&format!("{address:?} is no mail address: {error}")))
}

async fn transport(
    to: &Mail,
    message: &Message,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&to.server)
        .port(to.port())
        .hello_name(ClientId::Domain(message.node.clone()))
        .timeout(Some(TIMEOUT));
    let builder = match to.security() {
        MailSecurity::Starttls => builder.tls(Tls::Required(parameters(to).await?)),
        MailSecurity::Tls => builder.tls(Tls::Wrapper(parameters(to).await?)),
        MailSecurity::None => builder.tls(Tls::None),
    };
    Ok(login(to, builder).await?.build())
}

async fn login(
    to: &Mail,
    builder: AsyncSmtpTransportBuilder,
) -> Result<AsyncSmtpTransportBuilder, Failure> {
    let (Some(name), Some(file)) = (&to.username, &to.password_file) else {
        return Ok(builder);
    };
    let password = secret(file.as_path()).await?;
    Ok(builder.credentials(Credentials::new(name.clone(), password)))
}

/// Who is trusted: the issuers of `ca_file`, else the system's. They are read in a thread, because
/// the system's are many files.
async fn parameters(to: &Mail) -> Result<TlsParameters, Failure> {
    let own = match &to.ca_file {
        Some(file) => Some(secret(file.as_path()).await?),
        None => None,
    };
    let server = to.server.clone();
    let made = tokio::task::spawn_blocking(move || build(server, own)).await;
    let made = made.map_err(|error| unusable(&error.to_string()))?;
    made.map_err(|error| unusable(&format!("TLS can't be set up: {error}")))
}

fn build(server: String, own: Option<String>) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(server);
    if let Some(pem) = own {
        builder = builder.certificate_store(CertificateStore::None);
        builder = builder.add_root_certificate(Certificate::from_pem(pem.as_bytes())?);
    }
    builder.build()
}

/// A server that says 5xx does not want this mail; everything else may be better later.
fn judge(error: &Error) -> Failure {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !said.contains(&cause_text) {
            said = format!("{said}: {cause_text}");
        }
        source = cause.source();
    }
    if error.is_permanent() {
        Failure::Refused(said)
    } else {
        Failure::Unreachable(said)
    }
}

fn unusable(why: &str) -> Failure {
    Failure::Unreachable(why.to_owned())
}
