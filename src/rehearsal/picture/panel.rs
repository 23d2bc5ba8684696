//! One service: its answers in a second stacked by server, what failed below, words beside.

use super::super::expect::percent;
use super::super::report::{Report, ServerReport, ServiceReport, ServiceSeries};
use super::scale::{float, float64, short, top};
use super::style::COLOURS;
use super::svg::{Rect, Svg};
use super::{LEFT, LINE, PLOT, SIDE, x};

/// The height of the stack.
const STACK: f64 = 132.0;
/// The height of the bars of what failed.
const FAILED: f64 = 34.0;
/// The height of the line that says that nothing failed.
const NOTHING: f64 = 16.0;
/// Between the stack and these bars.
const BETWEEN: f64 = 12.0;
/// A gap that is shorter is not drawn, in milliseconds: it would be seen nowhere.
const SHORTEST_GAP: f64 = 50.0;

/// So many answers are in a step of the stack, where there are enough.
const ANSWERS: f64 = 10.0;
/// The fewest steps of a stack.
const FEWEST_STEPS: usize = 25;

/// A service that is drawn.
pub(super) struct Panel<'a> {
    report: &'a Report,
    service: &'a ServiceReport,
    series: &'a ServiceSeries,
    layers: Vec<Layer<'a>>,
    /// How many buckets are one step of the stack.
    group: usize,
}

/// A server's answers in a second, bucket by bucket; the last layer may be several servers.
struct Layer<'a> {
    name: &'a str,
    class: String,
    rates: Vec<f64>,
}

/// The panels of a report, in the order of its services.
pub(super) fn panels(report: &Report) -> Vec<Panel<'_>> {
    let colours = colours(report);
    let both = report.services.iter().zip(&report.timeline.services);
    both.map(|(service, series)| Panel {
        report,
        service,
        series,
        layers: layers(report, series, &colours),
        group: group(series),
    })
    .collect()
}

/// So many buckets that a step of the stack has some answers in it: with few requests, buckets
/// would show each of them instead of how they are spread.
fn group(series: &ServiceSeries) -> usize {
    let buckets = series.lost.len();
    let counts = series.servers.iter().flat_map(|server| &server.answered);
    let answered: u64 = counts.copied().map(u64::from).sum();
    let each = float64(answered) / float(buckets.max(1));
    (1..=buckets / FEWEST_STEPS)
        .find(|group| each * float(*group) >= ANSWERS)
        .unwrap_or((buckets / FEWEST_STEPS).max(1))
}

/// The servers that have a colour: it is the same for a server in every panel.
fn colours(report: &Report) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for service in &report.timeline.services {
        for server in &service.servers {
            if !names.contains(&server.server.as_str()) {
                names.push(&server.server);
            }
        }
    }
    names.sort_unstable();
    names.truncate(COLOURS);
    names
}

fn class_of(colours: &[&str], server: &str) -> String {
    let place = colours.iter().position(|name| *name == server);
    place.map_or("others".to_owned(), |place| format!("s{place}"))
}

fn layers<'a>(report: &'a Report, series: &'a ServiceSeries, colours: &[&str]) -> Vec<Layer<'a>> {
    let mut layers: Vec<Layer<'a>> = Vec::new();
    for server in &series.servers {
        let class = class_of(colours, &server.server);
        let rates = rates(report, &grouped(&server.answered, group(series)));
        match layers
            .last_mut()
            .filter(|last| last.class == "others" && class == "others")
        {
            Some(others) => {
                others.name = "other servers";
                let sums = others.rates.iter_mut().zip(rates);
                sums.for_each(|(sum, rate)| *sum += rate);
            }
            None => layers.push(Layer {
                name: &server.server,
                class,
                rates,
            }),
        }
    }
    layers
}

/// The mean of each group of buckets.
fn grouped(counts: &[u32], group: usize) -> Vec<f64> {
    let mean = |group: &[u32]| {
        let sum: u64 = group.iter().copied().map(u64::from).sum();
        float64(sum) / float(group.len())
    };
    counts.chunks(group.max(1)).map(mean).collect()
}

/// Counts of buckets as numbers in a second.
fn rates(report: &Report, counts: &[f64]) -> Vec<f64> {
    let seconds = float64(report.timeline.bucket_ms) / 1_000.0;
    counts.iter().map(|count| count / seconds).collect()
}

impl Panel<'_> {
    /// Draws the service from `y` on; gives where it ends. What must not be covered by the lines of
    /// steps goes to `over`.
    pub(super) fn draw(&self, svg: &mut Svg, over: &mut Svg, y: f64) -> f64 {
        svg.text_at(LEFT, y + 16.0, "head", &self.service.service);
        let above = y + 26.0;
        let base = above + STACK;
        let failed = base + BETWEEN + self.height_of_failures();
        self.stack(svg, above, base);
        self.gap(svg, over, above, base);
        self.failures(svg, base + BETWEEN, failed);
        let words = self.words(svg, above + 10.0);
        failed.max(words) + 10.0
    }

    fn height_of_failures(&self) -> f64 {
        let mut counts = self.series.lost.iter().chain(&self.series.wrong);
        if counts.any(|count| *count > 0) {
            FAILED
        } else {
            NOTHING
        }
    }

    fn stack(&self, svg: &mut Svg, above: f64, base: f64) {
        let count = self.series.lost.len().div_ceil(self.group);
        let mut bottom = vec![0.0; count];
        let sums =
            (0..count).map(|at| self.layers.iter().filter_map(|one| one.rates.get(at)).sum());
        let highest = top(sums.fold(0.0, f64::max));
        let height = |value: f64| base - (base - above) * value / highest;
        for part in [0.5, 1.0] {
            let y = height(highest * part);
            svg.line(LEFT, y, LEFT + PLOT, y, "grid");
            let text = short(highest * part);
            let unit = if part < 1.0 { "" } else { "/s" };
            svg.text_end(LEFT - 8.0, y + 4.0, "muted", &format!("{text}{unit}"));
        }
        for layer in &self.layers {
            let upper: Vec<f64> = bottom
                .iter()
                .zip(&layer.rates)
                .map(|(a, b)| a + b)
                .collect();
            let path = self.path(&bottom, &upper, &height);
            svg.area(&path, &format!("area {}", layer.class), layer.name);
            bottom = upper;
        }
        svg.line(LEFT, base, LEFT + PLOT, base, "base");
    }

    /// The area between two stairs: the upper one to the right, the lower one back.
    fn path(&self, lower: &[f64], upper: &[f64], height: &dyn Fn(f64) -> f64) -> String {
        let x = |place: usize| self.bucket(place * self.group);
        let mut path = format!("M{:.1},{:.1}", LEFT, height(*lower.first().unwrap_or(&0.0)));
        stairs(
            &mut path,
            upper.iter().copied().enumerate(),
            height,
            |place| x(place + 1),
        );
        stairs(
            &mut path,
            lower.iter().copied().enumerate().rev(),
            height,
            x,
        );
        path + "Z"
    }

    /// Where a bucket begins.
    fn bucket(&self, place: usize) -> f64 {
        x(
            self.report,
            float(place) * float64(self.report.timeline.bucket_ms),
        )
    }

    /// The longest gap, where it is long enough to be seen.
    fn gap(&self, svg: &mut Svg, over: &mut Svg, above: f64, base: f64) {
        let gap = self.service.longest_gap;
        if gap.length_ms < SHORTEST_GAP {
            return;
        }
        let (from, to) = (
            x(self.report, gap.at_ms),
            x(self.report, gap.at_ms + gap.length_ms),
        );
        let width = (to - from).max(2.0);
        let band = Rect {
            x: from,
            y: above,
            width,
            height: base - above,
        };
        svg.rect(band, "gap");
        let text = format!("gap {:.0} ms", gap.length_ms);
        let y = above - 6.0;
        if from + width / 2.0 > LEFT + PLOT - 60.0 {
            over.text_end(LEFT + PLOT, y, "bad clear", &text);
        } else {
            let x = (from + width / 2.0 - 32.0).max(LEFT + 120.0);
            over.text_at(x, y, "bad clear", &text);
        }
    }

    /// Bars of what failed, on a scale of their own.
    fn failures(&self, svg: &mut Svg, above: f64, base: f64) {
        let lost = rates(self.report, &grouped(&self.series.lost, 1));
        let wrong = rates(self.report, &grouped(&self.series.wrong, 1));
        let sums = lost.iter().zip(&wrong).map(|(lost, wrong)| lost + wrong);
        let highest = sums.fold(0.0, f64::max);
        svg.line(LEFT, base, LEFT + PLOT, base, "base");
        if highest == 0.0 {
            svg.text_at(LEFT + 4.0, base - 5.0, "muted", "nothing failed");
            return;
        }
        svg.text_end(
            LEFT - 8.0,
            above + 8.0,
            "bad",
            &format!("{}/s", short(highest.round())),
        );
        svg.text_end(LEFT - 8.0, base + 1.0, "bad", "failed");
        for (place, (lost, wrong)) in lost.iter().zip(&wrong).enumerate() {
            let full = base - above;
            let (lost, wrong) = (full * lost / highest, full * wrong / highest);
            self.bar(svg, place, base - lost, lost, "lost");
            self.bar(svg, place, base - lost - wrong, wrong, "wrong");
        }
    }

    fn bar(&self, svg: &mut Svg, place: usize, y: f64, height: f64, class: &str) {
        if height > 0.0 {
            let x = self.bucket(place);
            let width = (self.bucket(place + 1) - x).max(1.0);
            let height = height.max(1.5);
            svg.rect(
                Rect {
                    x,
                    y,
                    width,
                    height,
                },
                class,
            );
        }
    }

    /// The words beside the plot; gives where they end.
    fn words(&self, svg: &mut Svg, from: f64) -> f64 {
        let mut y = from;
        for server in self.service.servers.iter().take(COLOURS) {
            self.server(svg, server, y);
            y += LINE;
        }
        let more = self.service.servers.len().saturating_sub(COLOURS);
        if more > 0 {
            svg.text_at(SIDE + 18.0, y, "muted", &format!("and {more} more"));
            y += LINE;
        }
        y += 6.0;
        for (class, line) in facts(self.service) {
            svg.text_at(SIDE, y, class, &line);
            y += LINE;
        }
        y
    }

    fn server(&self, svg: &mut Svg, server: &ServerReport, y: f64) {
        let layers = &mut self.layers.iter();
        let class = layers.find(|layer| layer.name == server.server);
        let swatch = Rect {
            x: SIDE,
            y: y - 10.0,
            width: 11.0,
            height: 11.0,
        };
        svg.rect(swatch, class.map_or("others", |layer| &layer.class));
        let by_weight = match server.by_weight {
            Some(part) => format!("  (weight: {})", percent(part)),
            None => String::new(),
        };
        let name = super::shortened_inside(&server.server, 16);
        let text = format!("{name} {}{by_weight}", percent(server.share));
        svg.text_at(SIDE + 18.0, y, "words", &text);
    }
}

fn stairs(
    path: &mut String,
    steps: impl Iterator<Item = (usize, f64)>,
    height: &dyn Fn(f64) -> f64,
    end: impl Fn(usize) -> f64,
) {
    let mut last: Option<f64> = None;
    let mut right = None;
    for (place, value) in steps {
        // Equal steps are one.
        if last.is_none_or(|last| (last - value).abs() > f64::EPSILON) {
            if let Some(right) = right {
                *path += &format!("H{right:.1}");
            }
            *path += &format!("V{:.1}", height(value));
            last = Some(value);
        }
        right = Some(end(place));
    }
    if let Some(right) = right {
        *path += &format!("H{right:.1}");
    }
}

/// What the numbers of a service are, the bad ones in the colour of failures.
fn facts(service: &ServiceReport) -> Vec<(&'static str, String)> {
    let count = |count: u64| short(float64(count));
    let class = |bad: u64| if bad > 0 { "bad" } else { "muted" };
    let mut facts = vec![
        ("muted", format!("{} requests", count(service.requests))),
        (
            class(service.lost + service.wrong),
            format!(
                "{} lost, {} wrong",
                count(service.lost),
                count(service.wrong)
            ),
        ),
    ];
    if let (Some(half), Some(most)) = (service.p50_ms, service.p99_ms) {
        facts.push(("muted", format!("p50 {half} ms, p99 {most} ms")));
    }
    if service.kept.open > 0 {
        let broken = service.kept.open - service.kept.kept;
        let text = format!("kept {} of {} open", service.kept.kept, service.kept.open);
        facts.push((class(broken), text));
    }
    facts
}
