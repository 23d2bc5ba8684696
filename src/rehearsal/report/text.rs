//! A report for a terminal: a line of blocks for each server over time, then tables.
//!
//! Makes a text and prints nothing.

use super::super::expect::percent;
use super::super::weights::precise;
use super::{ExpectationReport, Outcome, Report, ServiceReport, ServiceSeries, StepReport};

/// The most columns of a line of blocks.
const COLUMNS: usize = 60;
/// Up to how many services have lines of blocks.
const DRAWN: usize = 6;

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut parts = vec![headline(report)];
    parts.push(lines(report));
    parts.extend(non_empty(&report.steps, steps));
    parts.extend(non_empty(&report.services, services));
    parts.extend(failures(report));
    parts.extend(non_empty(&report.services, servers));
    parts.extend(non_empty(&report.expectations, expectations));
    parts.extend((!report.notes.is_empty()).then(|| report.notes.join("\n") + "\n"));
    parts.join("\n")
}

fn non_empty<T>(items: &[T], show: fn(&[T]) -> String) -> Option<String> {
    (!items.is_empty()).then(|| show(items))
}

/// One sentence: what was rehearsed, and what came of it.
pub(in crate::rehearsal) fn headline(report: &Report) -> String {
    let all = report.expectations.len();
    let held = report.expectations.iter().filter(|one| one.held).count();
    let failed_steps = report.steps.iter().filter(|s| s.failure.is_some()).count();
    let verdict = match (all, all - held) {
        (0, _) => "nothing was expected".to_owned(),
        (1, 0) => "the expectation held".to_owned(),
        (_, 0) => format!("all {all} expectations held"),
        (_, failed) => format!("{failed} of {all} expectations failed"),
    };
    let steps = match failed_steps {
        0 => String::new(),
        1 => "; a step could not be done".to_owned(),
        many => format!("; {many} steps could not be done"),
    };
    let early = match report.outcome {
        Outcome::Interrupted => ", ended early",
        Outcome::Held | Outcome::Failed => "",
    };
    let length = seconds(precise(report.duration_ms));
    format!(
        "Rehearsal of {} on {}, {length} of load{early}: {verdict}{steps}.\n",
        report.farm, report.dataplane
    )
}

/// `10 s`, `9.5 s`.
fn seconds(millis: f64) -> String {
    let text = format!("{:.1}", millis / 1_000.0);
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}

/// Requests in a second, a line of blocks for each server.
fn lines(report: &Report) -> String {
    let services = &report.timeline.services;
    let names = services.iter().take(DRAWN).flat_map(|service| {
        let servers = service.servers.iter().map(|one| one.server.as_str());
        servers.chain(["failed"])
    });
    let name = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let drawn: Vec<String> = services
        .iter()
        .take(DRAWN)
        .map(|service| service_lines(report, service, name))
        .collect();
    let mut text = drawn.join("\n");
    if services.len() > DRAWN {
        text += &format!("\n({} more services)\n", services.len() - DRAWN);
    }
    text
}

fn service_lines(report: &Report, service: &ServiceSeries, name: usize) -> String {
    let bucket = report.timeline.bucket_ms;
    let failed: Vec<u32> = service
        .lost
        .iter()
        .zip(&service.wrong)
        .map(|(lost, wrong)| lost + wrong)
        .collect();
    let rows: Vec<(&str, Columns)> = service
        .servers
        .iter()
        .map(|one| (one.server.as_str(), Columns::new(&one.answered, bucket)))
        .collect();
    let failed = Columns::new(&failed, bucket);
    let highest = rows.iter().map(|(_, columns)| columns.highest());
    let top = highest.fold(1.0_f64, f64::max).max(failed.highest());
    let mut text = format!("{}: requests in a second\n", service.service);
    for (server, columns) in &rows {
        text += &format!(
            "  {server:name$}  {}  up to {:.0}\n",
            columns.blocks(top),
            columns.highest()
        );
    }
    if failed.highest() > 0.0 {
        text += &format!(
            "  {:name$}  {}  up to {:.0}\n",
            "failed",
            failed.blocks(top),
            failed.highest()
        );
    }
    text + &marks(report, failed.values.len(), name)
}

/// Where the steps are, each by its number, and the ends of the time.
fn marks(report: &Report, columns: usize, name: usize) -> String {
    let mut line = vec![' '; columns];
    let duration = precise(report.duration_ms).max(1.0);
    for (number, step) in (1..).zip(&report.steps) {
        let place = (0..columns)
            .rev()
            .find(|place| column_start(*place, columns, duration) <= step.at_ms)
            .unwrap_or(0);
        // A step's number stands to the right of one that has the place already.
        let free = (place..columns).find(|place| line.get(*place) == Some(&' '));
        if let Some(mark) = free.and_then(|place| line.get_mut(place)) {
            *mark = char::from_digit(number, 36).unwrap_or('+');
        }
    }
    let line: String = line.into_iter().collect();
    let end = seconds(duration);
    let space = columns.saturating_sub(end.chars().count() + 1);
    let steps = match line.trim_end() {
        "" => String::new(),
        marks => format!("  {:name$}  {marks}\n", "step"),
    };
    format!("{steps}  {:name$}  {:space$} {end}\n", "", "0")
}

fn column_start(place: usize, columns: usize, duration: f64) -> f64 {
    precise(place as u64) * duration / precise(columns as u64)
}

/// A series as so many columns: requests in a second.
struct Columns {
    values: Vec<f64>,
}

impl Columns {
    fn new(counts: &[u32], bucket_ms: u64) -> Self {
        let each = counts.len().div_ceil(COLUMNS).max(1);
        let rate = |chunk: &[u32]| {
            let sum: u64 = chunk.iter().copied().map(u64::from).sum();
            let length = precise(chunk.len() as u64 * bucket_ms) / 1_000.0;
            precise(sum) / length.max(0.001)
        };
        Self {
            values: counts.chunks(each).map(rate).collect(),
        }
    }

    fn highest(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }

    fn blocks(&self, top: f64) -> String {
        self.values.iter().map(|value| block(value / top)).collect()
    }
}

/// A block as high as a part of a line; nothing for nothing.
fn block(part: f64) -> char {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if part <= 0.0 {
        return ' ';
    }
    let above = BLOCKS.iter().zip(1_u32..);
    let mut fitting = above.filter(|(_, eighth)| part * 8.0 <= f64::from(*eighth) + 0.5);
    fitting.next().map_or('█', |(block, _)| *block)
}

fn steps(steps: &[StepReport]) -> String {
    let mut text = "Steps\n".to_owned();
    for (number, step) in (1..).zip(steps) {
        let number = char::from_digit(number, 36).unwrap_or('+');
        let at = step.at_ms / 1_000.0;
        let took = duration_words(step.took_ms);
        text += &format!("  {number}  {at:6.2} s  {} ({took})\n", step.what);
        if let Some(note) = &step.note {
            text += &format!("               {note}\n");
        }
        if let Some(failure) = &step.failure {
            text += &format!("               FAILED: {failure}\n");
        }
    }
    text
}

/// `152 ms`, `2.4 ms`.
fn duration_words(millis: f64) -> String {
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else {
        format!("{millis:.0} ms")
    }
}

fn services(services: &[ServiceReport]) -> String {
    let head = [
        "service",
        "requests",
        "lost",
        "wrong",
        "longest gap",
        "p50",
        "p99",
        "kept",
    ];
    let rows = services.iter().map(|service| {
        let latency = |millis: Option<f64>| millis.map_or("-".to_owned(), duration_words);
        let gap = service.longest_gap;
        let kept = match service.kept.open {
            0 => "-".to_owned(),
            open => format!("{} of {open}", service.kept.kept),
        };
        vec![
            service.service.clone(),
            service.requests.to_string(),
            service.lost.to_string(),
            service.wrong.to_string(),
            duration_words(gap.length_ms),
            latency(service.p50_ms),
            latency(service.p99_ms),
            kept,
        ]
    });
    table(&head, rows.collect())
}

/// Why requests failed, a line for each service where some did.
fn failures(report: &Report) -> Option<String> {
    let line = |service: &ServiceReport| {
        let reasons = service.failures.iter();
        let reasons: Vec<String> = reasons
            .map(|failure| format!("{} {}", failure.count, failure.reason))
            .collect();
        (!reasons.is_empty())
            .then(|| format!("Failed in {}: {}.\n", service.service, reasons.join(", ")))
    };
    let lines: String = report.services.iter().filter_map(line).collect();
    (!lines.is_empty()).then_some(lines)
}

fn servers(services: &[ServiceReport]) -> String {
    let head = ["service", "server", "new connections", "share", "by weight"];
    let rows = services.iter().flat_map(|service| {
        service.servers.iter().map(|server| {
            vec![
                service.service.clone(),
                server.server.clone(),
                server.connections.to_string(),
                percent(server.share),
                server.by_weight.map_or("-".to_owned(), percent),
            ]
        })
    });
    table(&head, rows.collect())
}

fn expectations(expectations: &[ExpectationReport]) -> String {
    let width = |one: &ExpectationReport| one.expectation.chars().count();
    let width = expectations.iter().map(width).max().unwrap_or(0);
    let mut text = "Expectations\n".to_owned();
    for one in expectations {
        let verdict = if one.held { "held" } else { "FAILED" };
        let line = format!(
            "  {verdict:6}  {:width$}  {}",
            one.expectation, one.measured
        );
        text += &format!("{}\n", line.trim_end());
    }
    text
}

/// Columns side by side: words to the left, numbers to the right.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(|&word| word.to_owned()).collect();
    let all: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = all.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = all.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let is_number = |column: usize| {
        let mut cells = all.iter().skip(1).filter_map(|row| row.get(column));
        cells.all(|cell| cell.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '<'))
    };
    let numbers: Vec<bool> = (0..columns).map(is_number).collect();
    let mut text = String::new();
    for row in &all {
        let cells = row.iter().zip(&widths).zip(&numbers);
        let line: Vec<String> = cells
            .map(|((cell, width), number)| match number {
                true => format!("{cell:>width$}"),
                false => format!("{cell:width$}"),
            })
            .collect();
        text += &format!("{}\n", line.join("  ").trim_end());
    }
    text
}
