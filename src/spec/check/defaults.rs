//! What holds where a check leaves something out.
//!
//! Called by `probe` and `health`, through the values of a check, and by the schema.

use std::time::Duration;

use super::super::StatusRange;
use super::{
    AgentCheck, BannerCheck, Check, DnsCheck, DnsRecord, ExecCheck, FileCheck, GrpcCheck,
    HttpCheck, HttpMethod, HttpVersion, PingCheck, SmtpCheck, SmtpSecurity, Timing, TlsCheck,
    TlsVersion,
};

impl Timing {
    /// From one question to the next.
    pub const INTERVAL: Duration = Duration::from_millis(500);
    /// How long an answer may take, where the interval is not shorter.
    pub const TIMEOUT: Duration = Duration::from_millis(500);
    /// Good answers in a row until a real server is up.
    pub const RISE: u32 = 2;
    /// Failures in a row until it is down.
    pub const FALL: u32 = 3;
    /// The interval is so many times the time to the next question after a failure.
    pub const FAST_RETRY_PART: u32 = 4;
    /// The longest time that the first questions are spread over, where none is written.
    pub const LONGEST_WARM_UP: Duration = Duration::from_secs(5);

    /// The times of a check, with what is left out filled in.
    pub(super) fn of(check: &Check) -> Self {
        let interval = check.interval.map_or(Self::INTERVAL, |time| time.0);
        let fast_retry = check.fast_retry.map(|time| time.0);
        let warm_up = check.warm_up.map(|time| time.0);
        Self {
            interval,
            timeout: check
                .timeout
                .map_or(Self::TIMEOUT.min(interval), |time| time.0),
            rise: check.rise.unwrap_or(Self::RISE),
            fall: check.fall.unwrap_or(Self::FALL),
            fast_retry: fast_retry
                .unwrap_or(interval / Self::FAST_RETRY_PART)
                .min(interval),
            warm_up: warm_up.unwrap_or(interval.min(Self::LONGEST_WARM_UP)),
        }
    }
}

impl TlsCheck {
    /// How long before the certificate's end an operator is warned, where nothing is written.
    pub const EXPIRY_WARNING: Duration = Duration::from_secs(14 * 86_400);

    /// Whether the certificate must be good.
    pub fn verify(&self) -> bool {
        self.verify.unwrap_or(false)
    }

    /// The oldest version that is good enough.
    pub fn minimum_version(&self) -> TlsVersion {
        self.minimum_version.unwrap_or(TlsVersion::V12)
    }

    /// How long before the certificate's end an operator is warned.
    pub fn expiry_warning(&self) -> Duration {
        self.expiry_warning
            .map_or(Self::EXPIRY_WARNING, |time| time.0)
    }
}

impl HttpCheck {
    /// How much of a body is read, in bytes, where nothing is written.
    pub const BODY_LIMIT: u32 = 1_048_576;
    /// The status codes that are good, where none is written.
    pub const STATUS: StatusRange = StatusRange {
        first: 200,
        last: 299,
    };

    /// The path, with a query where there is one.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or("/")
    }

    /// The method.
    pub fn method(&self) -> HttpMethod {
        self.method.unwrap_or_default()
    }

    /// Whether a status code is good.
    pub fn accepts(&self, code: u16) -> bool {
        if self.status.is_empty() {
            return Self::STATUS.contains(code);
        }
        self.status.iter().any(|range| range.contains(code))
    }

    /// How much of a body is read, in bytes.
    pub fn body_limit(&self) -> u32 {
        self.body_limit.unwrap_or(Self::BODY_LIMIT)
    }

    /// The version of HTTP.
    pub fn version(&self) -> HttpVersion {
        self.version.unwrap_or_default()
    }
}

impl DnsCheck {
    /// The name that is asked for; `.` is the root.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(".")
    }

    /// The kind of record that is asked for.
    pub fn record(&self) -> DnsRecord {
        let usual = match self.name() {
            "." => DnsRecord::Soa,
            _ => DnsRecord::A,
        };
        self.record.unwrap_or(usual)
    }

    /// Whether it is asked over TCP.
    pub fn tcp(&self) -> bool {
        self.tcp.unwrap_or(false)
    }
}

impl SmtpCheck {
    /// What the server is greeted as.
    pub fn hello(&self) -> &str {
        self.hello.as_deref().unwrap_or("localhost")
    }

    /// Whether TLS is spoken, and from when.
    pub fn security(&self) -> SmtpSecurity {
        self.security.unwrap_or_default()
    }
}

impl PingCheck {
    /// Bytes of payload, where nothing is written.
    pub const SIZE: u16 = 32;

    /// Bytes of payload.
    pub fn size(&self) -> u16 {
        self.size.unwrap_or(Self::SIZE)
    }
}

impl GrpcCheck {
    /// The service that is asked about; empty is the server as a whole.
    pub fn service(&self) -> &str {
        self.service.as_deref().unwrap_or("")
    }
}

impl BannerCheck {
    /// How TLS is spoken, where it is.
    pub fn tls(&self) -> Option<&TlsCheck> {
        self.tls.as_ref()
    }
}

impl ExecCheck {
    /// Whether the first line that it writes is read as an agent's answer.
    pub fn reads_agent(&self) -> bool {
        self.reads_agent.unwrap_or(false)
    }
}

impl FileCheck {
    /// Whether a missing file means that the real server is up.
    pub fn missing_is_up(&self) -> bool {
        self.missing_is_up.unwrap_or(false)
    }
}

impl AgentCheck {
    /// The agent's port, where none is written.
    pub const PORT: u16 = 3333;
    /// How often it is asked, where nothing is written.
    pub const INTERVAL: Duration = Duration::from_secs(5);
    /// How long an answer counts, where nothing is written.
    pub const STALE_AFTER: Duration = Duration::from_secs(30);

    /// The agent's port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(Self::PORT)
    }

    /// How often it is asked.
    pub fn interval(&self) -> Duration {
        self.interval.map_or(Self::INTERVAL, |time| time.0)
    }

    /// How long an answer counts.
    pub fn stale_after(&self) -> Duration {
        self.stale_after.map_or(Self::STALE_AFTER, |time| time.0)
    }
}
