//! What holds for a real server of the checks that are written for it, its service, its pool and
//! in `defaults`.
//!
//! Key by key, the nearest wins; the kind is one choice and is replaced as a whole; `none` unsets
//! what is farther away. Called by `spec::effective` and `validate`.

use std::sync::Arc;

use super::super::OrNone;
use super::{AgentCheck, Check, CheckChoice, EffectiveCheck, Kind, Timing, Vantage};

/// What is left of several levels, the nearest first.
pub(crate) fn merge<'c>(
    levels: impl IntoIterator<Item = Option<&'c CheckChoice>>,
) -> Option<Arc<EffectiveCheck>> {
    let mut written = Check::default();
    for level in levels.into_iter().flatten() {
        match level {
            CheckChoice::None => break,
            CheckChoice::Check(check) => written.fill_from(check),
        }
    }
    written.effective().map(Arc::new)
}

impl Check {
    /// Takes what is left out from a check that is farther away.
    fn fill_from(&mut self, farther: &Self) {
        if self.kind().is_none() {
            self.take_kind_of(farther);
        }
        self.agent = merge_agent(self.agent.take(), farther.agent.as_ref());
        let Self {
            interval,
            timeout,
            rise,
            fall,
            fast_retry,
            warm_up,
            port,
            address,
            bind,
            mark,
            way,
            ..
        } = self;
        *interval = interval.or(farther.interval);
        *timeout = timeout.or(farther.timeout);
        *rise = rise.or(farther.rise);
        *fall = fall.or(farther.fall);
        *fast_retry = fast_retry.or(farther.fast_retry);
        *warm_up = warm_up.or(farther.warm_up);
        *port = port.or(farther.port);
        *address = address.or(farther.address);
        *bind = bind.or(farther.bind);
        *mark = mark.or(farther.mark);
        *way = way.or(farther.way);
        let (interface, namespace) = (&farther.interface, &farther.namespace);
        self.interface = self.interface.take().or_else(|| interface.clone());
        self.namespace = self.namespace.take().or_else(|| namespace.clone());
    }

    fn take_kind_of(&mut self, farther: &Self) {
        let Self {
            tcp,
            http,
            https,
            udp,
            dns,
            smtp,
            ping,
            grpc,
            ftp,
            imap,
            pop,
            nntp,
            mysql,
            redis,
            exec,
            file,
            ..
        } = farther.clone();
        (self.tcp, self.http, self.https, self.udp) = (tcp, http, https, udp);
        (self.dns, self.smtp, self.ping, self.grpc) = (dns, smtp, ping, grpc);
        (self.ftp, self.imap, self.pop, self.nntp) = (ftp, imap, pop, nntp);
        (self.mysql, self.redis, self.exec, self.file) = (mysql, redis, exec, file);
    }

    /// The kinds that are written; a valid check has one at most.
    pub fn kinds(&self) -> Vec<Kind> {
        let kinds = [
            self.tcp.clone().map(Kind::Tcp),
            self.http.clone().map(Kind::Http),
            self.https.clone().map(Kind::Https),
            self.udp.clone().map(Kind::Udp),
            self.dns.clone().map(Kind::Dns),
            self.smtp.clone().map(Kind::Smtp),
            self.ping.clone().map(Kind::Ping),
            self.grpc.clone().map(Kind::Grpc),
            self.ftp.clone().map(Kind::Ftp),
            self.imap.clone().map(Kind::Imap),
            self.pop.clone().map(Kind::Pop),
            self.nntp.clone().map(Kind::Nntp),
            self.mysql.clone().map(Kind::Mysql),
            self.redis.clone().map(Kind::Redis),
            self.exec.clone().map(Kind::Exec),
            self.file.clone().map(Kind::File),
        ];
        kinds.into_iter().flatten().collect()
    }

    /// The kind that is written, where one is.
    pub fn kind(&self) -> Option<Kind> {
        self.kinds().into_iter().next()
    }

    /// The check with nothing left out; none where it asks nothing: neither a kind nor an agent.
    fn effective(&self) -> Option<EffectiveCheck> {
        let kind = self.kind();
        let agent = match &self.agent {
            Some(OrNone::Some(agent)) => Some(agent.clone()),
            Some(OrNone::None) | None => None,
        };
        if kind.is_none() && agent.is_none() {
            return None;
        }
        Some(EffectiveCheck {
            kind,
            agent,
            timing: Timing::of(self),
            port: self.port,
            address: self.address,
            vantage: Vantage {
                bind: self.bind,
                interface: self.interface.clone(),
                mark: self.mark,
                namespace: self.namespace.clone(),
                way: self.way.unwrap_or_default(),
            },
        })
    }
}

fn merge_agent(
    own: Option<OrNone<AgentCheck>>,
    farther: Option<&OrNone<AgentCheck>>,
) -> Option<OrNone<AgentCheck>> {
    match (own, farther) {
        (Some(OrNone::Some(own)), Some(OrNone::Some(farther))) => Some(OrNone::Some(AgentCheck {
            port: own.port.or(farther.port),
            send: own.send.or_else(|| farther.send.clone()),
            interval: own.interval.or(farther.interval),
            stale_after: own.stale_after.or(farther.stale_after),
        })),
        (Some(own), _) => Some(own),
        (None, farther) => farther.cloned(),
    }
}
