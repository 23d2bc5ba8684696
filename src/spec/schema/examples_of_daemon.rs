//! Defaults and examples of the daemon: its source, its options, its notifications.

use serde_json::{Value, json};

pub(super) fn defaults() -> Vec<(&'static str, Value)> {
    vec![
        ("GitSource.ref", json!("main")),
        ("GitSource.path", json!("farm.yaml")),
        ("GitSource.poll", json!("30s")),
        ("DaemonOptions.drift", json!("correct")),
        ("DaemonOptions.poll", json!("10s")),
        ("DaemonOptions.settle", json!("2s")),
        ("DaemonOptions.concurrency", json!(1024)),
        ("DaemonOptions.exec_dirs", json!(["/etc/farmctl/scripts"])),
        ("DaemonOptions.log", json!("info")),
        ("Notification.on", json!(["warning", "alarm"])),
        ("Notification.group", json!("10s")),
        ("Notification.limit", json!("20 per hour")),
        ("Webhook.timeout", json!("10s")),
        ("Mail.port", json!(587)),
        ("Mail.security", json!("starttls")),
        ("ExecNotification.timeout", json!("10s")),
    ]
}

pub(super) fn examples() -> Vec<(&'static str, Value)> {
    let mut examples = source_examples();
    examples.extend(daemon_examples());
    examples.extend(notification_examples());
    examples
}

fn source_examples() -> Vec<(&'static str, Value)> {
    let repository = "https://git.example.com/site/farm.git";
    let signed = json!({ "allowed_signers_file": "/etc/farmctl/allowed_signers" });
    let git = json!({ "repository": repository, "signed": signed });
    vec![
        (".source", json!({ "git": git })),
        ("Source.git", git),
        ("GitSource.repository", json!(repository)),
        ("GitSource.ref", json!("production")),
        ("GitSource.path", json!("farms/shop.yaml")),
        ("GitSource.poll", json!("1m")),
        ("GitSource.signed", signed),
        ("GitSource.ssh_key_file", json!("/etc/farmctl/deploy_key")),
        (
            "GitSource.known_hosts_file",
            json!("/etc/farmctl/known_hosts"),
        ),
        (
            "GitSource.credentials_file",
            json!("/etc/farmctl/git_credentials"),
        ),
        (
            "Signed.allowed_signers_file",
            json!("/etc/farmctl/allowed_signers"),
        ),
        ("Signed.gpg_home", json!("/etc/farmctl/gnupg")),
    ]
}

fn daemon_examples() -> Vec<(&'static str, Value)> {
    let api = json!({ "listen": "10.0.0.11:9310", "token_file": "/etc/farmctl/token" });
    vec![
        (".daemon", json!({ "drift": "report", "api": api })),
        ("DaemonOptions.poll", json!("30s")),
        ("DaemonOptions.settle", json!("500ms")),
        ("DaemonOptions.concurrency", json!(256)),
        (
            "DaemonOptions.exec_dirs",
            json!(["/etc/farmctl/scripts", "/usr/lib/nagios/plugins"]),
        ),
        ("DaemonOptions.api", api),
        (
            "DaemonOptions.metrics",
            json!({ "compatible": ["node_ipvs"] }),
        ),
        (
            "MetricsOptions.compatible",
            json!(["node_ipvs", "keepalived"]),
        ),
    ]
}

fn notification_examples() -> Vec<(&'static str, Value)> {
    let webhook = json!({ "url": "https://alerts.example.com/farm" });
    let mail = json!({
        "server": "mail.example.com",
        "from": "farm@example.com",
        "to": "oncall@example.com",
    });
    let command = json!(["/etc/farmctl/scripts/page", "oncall"]);
    vec![
        (".notifications", json!({ "oncall": { "mail": mail } })),
        ("Notification.webhook", webhook),
        ("Notification.mail", mail),
        ("Notification.exec", json!({ "command": command })),
        (
            "Notification.on",
            json!(["alarm", "server_down", "server_up"]),
        ),
        ("Notification.group", json!("30s")),
        ("Notification.repeat", json!("4h")),
        ("Webhook.url", json!("https://alerts.example.com/farm")),
        ("Webhook.url_file", json!("/etc/farmctl/webhook_url")),
        (
            "Webhook.headers_file",
            json!("/etc/farmctl/webhook_headers"),
        ),
        ("Mail.server", json!("mail.example.com")),
        ("Mail.port", json!(587)),
        ("Mail.from", json!("farm@example.com")),
        ("Mail.to", json!(["oncall@example.com"])),
        ("Mail.username", json!("farm")),
        ("Mail.password_file", json!("/etc/farmctl/mail_password")),
        ("ExecNotification.command", command),
        ("ExecNotification.environment", json!({ "TEAM": "web" })),
    ]
}
