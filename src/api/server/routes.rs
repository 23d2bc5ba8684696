//! The table of routes: what the server answers to, and what the OpenAPI description says of it.

/// One path with one method.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The path.
    pub path: &'static str,
    /// What answers, and with it the method.
    pub endpoint: Endpoint,
    /// What the answer is.
    pub body: Body,
    /// What it is for, in one sentence without its full stop.
    pub summary: &'static str,
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Something is read: GET.
    Reading(Reading),
    /// An order is given: POST.
    Order(OrderKind),
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The status.
    Status,
    /// The overlay.
    Overlay,
    /// The events as a stream.
    Events,
    /// What differs.
    Diff,
    /// What the kernel holds.
    Snapshot,
    /// Whether the daemon lives.
    Health,
    /// Whether it has converged.
    Ready,
    /// The metrics.
    Metrics,
    /// The description of all this.
    Description,
}

/// What is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// A drain.
    Drain,
    /// Its end.
    Undrain,
    /// Maintenance of a node.
    Maintenance,
    /// A weight.
    Weight,
    /// The end of an override.
    EndOverride,
    /// An apply.
    Apply,
    /// An approval.
    Approve,
    /// A confirmation.
    Confirm,
    /// A look at the file.
    Reload,
    /// The end of this daemon for another one.
    HandOver,
    /// What is logged.
    Log,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// JSON of this type, by the name of its schema.
    Json(&'static str),
    /// Server-sent events.
    Events,
    /// Plain text.
    Text,
    /// The text format of Prometheus.
    Metrics,
}

impl Route {
    const fn get(path: &'static str, read: Reading, body: Body, summary: &'static str) -> Self {
        Self {
            path,
            endpoint: Endpoint::Reading(read),
            body,
            summary,
        }
    }

    const fn post(path: &'static str, order: OrderKind, summary: &'static str) -> Self {
        Self {
            path,
            endpoint: Endpoint::Order(order),
            body: Body::Json("Done"),
            summary,
        }
    }

    /// Whether it gives an order.
    pub fn is_order(&self) -> bool {
        matches!(self.endpoint, Endpoint::Order(_))
    }

    /// Whether it is answered without a token: it tells nothing but a word.
    pub fn is_for_everybody(&self) -> bool {
        let words = [Reading::Health, Reading::Ready].map(Endpoint::Reading);
        words.contains(&self.endpoint)
    }
}

/// Every route.
pub const ROUTES: &[Route] = &[
    Route::get(
        "/v1/status",
        Reading::Status,
        Body::Json("Status"),
        "All that the daemon knows now: what runs, each real server with its state, weight and why",
    ),
    Route::get(
        "/v1/overlay",
        Reading::Overlay,
        Body::Json("OverlayAnswer"),
        "What bends the file now: health, drains, overrides",
    ),
    Route::get(
        "/v1/events",
        Reading::Events,
        Body::Events,
        "What happened, as server-sent events: each the JSON of an Event; `missed` says how many were lost",
    ),
    Route::get(
        "/v1/diff",
        Reading::Diff,
        Body::Json("DiffReport"),
        "What differs between what is wanted and the kernel",
    ),
    Route::get(
        "/v1/snapshot",
        Reading::Snapshot,
        Body::Json("Snapshot"),
        "What the kernel holds, for `farmctl diff --server`",
    ),
    Route::get(
        "/healthz",
        Reading::Health,
        Body::Text,
        "200 where the daemon works",
    ),
    Route::get(
        "/readyz",
        Reading::Ready,
        Body::Text,
        "200 once the kernel has held what is wanted, 503 before",
    ),
    Route::get(
        "/metrics",
        Reading::Metrics,
        Body::Metrics,
        "Metrics for Prometheus",
    ),
    Route::get(
        "/openapi.json",
        Reading::Description,
        Body::Json("OpenApi"),
        "This description",
    ),
    Route::post(
        "/v1/drain",
        OrderKind::Drain,
        "A real server gets no new connections and finishes those that it has",
    ),
    Route::post(
        "/v1/undrain",
        OrderKind::Undrain,
        "A real server is served again",
    ),
    Route::post(
        "/v1/maintenance",
        OrderKind::Maintenance,
        "A node is taken out of everything that it serves, or given back",
    ),
    Route::post(
        "/v1/weight",
        OrderKind::Weight,
        "A real server gets another weight than the file says, or the file's again",
    ),
    Route::post(
        "/v1/override/end",
        OrderKind::EndOverride,
        "An override ends",
    ),
    Route {
        body: Body::Json("ApplyReport"),
        ..Route::post(
            "/v1/apply",
            OrderKind::Apply,
            "A text of the daemon's file is made true now; the answer says how that ended",
        )
    },
    Route::post(
        "/v1/approve",
        OrderKind::Approve,
        "A file that waits for an operator is used",
    ),
    Route::post(
        "/v1/confirm",
        OrderKind::Confirm,
        "What an apply with a confirm_timeout did stays",
    ),
    Route::post(
        "/v1/reload",
        OrderKind::Reload,
        "The file is read again now",
    ),
    Route::post(
        "/v1/hand-over",
        OrderKind::HandOver,
        "The daemon stops without giving anything up: another takes over",
    ),
    Route::post("/v1/log", OrderKind::Log, "Another amount is logged"),
];
