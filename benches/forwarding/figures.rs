//! Samples become a table: rates, and ratios to a way that was measured in the same round.

/// What one round measured, by way.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    /// New connections a second.
    pub(crate) connections: Vec<f64>,
    /// Requests a second on connections that stay.
    pub(crate) requests: Vec<f64>,
}

impl Round {
    /// A round of so many ways in which nothing was measured yet.
    pub(crate) fn of(ways: usize) -> Self {
        Self {
            connections: vec![f64::NAN; ways],
            requests: vec![f64::NAN; ways],
        }
    }
}

/// What is promised: one way beside another, in which figure, at least so many times as fast.
struct Promise {
    what: &'static str,
    ours: &'static str,
    theirs: &'static str,
    figure: fn(&Round) -> &[f64],
    least: f64,
}

fn connections(round: &Round) -> &[f64] {
    &round.connections
}

fn requests(round: &Round) -> &[f64] {
    &round.requests
}

const PROMISES: [Promise; 5] = [
    Promise {
        what: "nat, connections",
        ours: "farmctl nat",
        theirs: "haproxy",
        figure: connections,
        least: 2.0,
    },
    Promise {
        what: "nat, connections",
        ours: "farmctl nat",
        theirs: "nginx stream",
        figure: connections,
        least: 2.0,
    },
    Promise {
        what: "nat, connections",
        ours: "farmctl nat",
        theirs: "nft by hand",
        figure: connections,
        least: 0.95,
    },
    Promise {
        what: "direct_routing, requests",
        ours: "farmctl direct_routing",
        theirs: "direct",
        figure: requests,
        least: 0.85,
    },
    Promise {
        what: "ip_vs nat, connections",
        ours: "farmctl on ip_vs",
        theirs: "ipvsadm",
        figure: connections,
        least: 0.98,
    },
];

/// All rounds.
pub(crate) struct Table {
    ways: Vec<&'static str>,
    rounds: Vec<Round>,
}

impl Table {
    /// A table of these ways.
    pub(crate) fn new(ways: Vec<&'static str>) -> Self {
        let rounds = Vec::new();
        Self { ways, rounds }
    }

    /// One more round.
    pub(crate) fn push(&mut self, round: Round) {
        self.rounds.push(round);
    }

    /// Both tables.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(
            "| way | new connections/s | to the first | requests/s, connections stay | to the first |\n\
             |-|-|-|-|-|\n",
        );
        for (place, way) in self.ways.iter().enumerate() {
            let columns = [connections as fn(&Round) -> &[f64], requests].map(|figure| {
                let rates = self.rounds.iter().map(|round| figure(round)[place]);
                format!("{} | {}", rate(rates), self.ratio(place, 0, figure))
            });
            text += &format!("| {way} | {} |\n", columns.join(" | "));
        }
        text += "\n| what | farmctl | beside | ratio | target | met |\n|-|-|-|-|-|-|\n";
        for promise in &PROMISES {
            text += &self.promised(promise);
        }
        text
    }

    fn promised(&self, promise: &Promise) -> String {
        let place = |name| self.ways.iter().position(|way| *way == name);
        let (Some(ours), Some(theirs)) = (place(promise.ours), place(promise.theirs)) else {
            return String::new();
        };
        let ratio = self.ratio(ours, theirs, promise.figure);
        let met = if ratio.median() >= promise.least {
            "yes"
        } else {
            "NO"
        };
        format!(
            "| {} | {} | {} | {ratio} | {} | {met} |\n",
            promise.what, promise.ours, promise.theirs, promise.least
        )
    }

    /// Round by round: what slows the machine down slows both.
    fn ratio(&self, ours: usize, theirs: usize, figure: fn(&Round) -> &[f64]) -> Spread {
        let ratios = self.rounds.iter().map(figure);
        Spread::of(ratios.map(|figures| figures[ours] / figures[theirs]))
    }
}

fn rate(rates: impl Iterator<Item = f64>) -> String {
    let Spread(sorted) = Spread::of(rates);
    let middle = sorted[sorted.len() / 2];
    format!(
        "{middle:.0} [{:.0} .. {:.0}]",
        sorted[0],
        sorted[sorted.len() - 1]
    )
}

/// Figures in order.
struct Spread(Vec<f64>);

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (first, last) = (self.0[0], self.0[self.0.len() - 1]);
        write!(f, "{:.2} [{first:.2} .. {last:.2}]", self.median())
    }
}
