//! The picture with its numbers as a page for a browser: one file, no script, no address.

use super::super::report::{Failure, Report, ServiceReport, StepReport};
use super::picture;
use super::svg::escaped;

/// How the page looks; the picture brings its own colours.
const STYLE: &str = r#"<style>
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 16px; max-width: 1000px; background: #ffffff; color: #1c2126;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
svg { width: 100%; height: auto; }
h2 { font-size: 15px; margin: 24px 24px 4px; }
table { border-collapse: collapse; margin: 0 24px; }
th, td { text-align: left; padding: 3px 20px 3px 0; vertical-align: top; }
th { font-weight: 500; color: #5a636c; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
small { color: #5a636c; }
@media (prefers-color-scheme: dark) {
  body { background: #14181c; color: #e8eaed; }
  th, small { color: #a3acb5; }
}
</style>"#;

/// The page of a report.
pub fn page(report: &Report) -> String {
    let title = escaped(&format!("Rehearsal of {}", report.farm));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n{STYLE}\n</head>\n<body>\n"
    );
    page += &picture(report);
    if !report.steps.is_empty() {
        page += &table(
            "Steps",
            &["", "at", "took", "what"],
            report.steps.iter().zip(1..).map(step),
        );
    }
    let head = [
        "service",
        "requests",
        "lost",
        "wrong",
        "longest gap",
        "p50",
        "p99",
        "failed because",
    ];
    page += &table("Services", &head, report.services.iter().map(service));
    page + "</body>\n</html>\n"
}

/// A cell: a number stands to the right.
enum Cell {
    Words(String),
    Number(String),
}

fn table(title: &str, head: &[&str], rows: impl Iterator<Item = Vec<Cell>>) -> String {
    let mut text = format!("<h2>{title}</h2>\n<table>\n<tr>");
    for name in head {
        text += &format!("<th scope=\"col\">{name}</th>");
    }
    text += "</tr>\n";
    for row in rows {
        let cells = row.into_iter().map(|cell| match cell {
            Cell::Words(words) => format!("<td>{words}</td>"),
            Cell::Number(number) => format!("<td class=\"number\">{number}</td>"),
        });
        text += &format!("<tr>{}</tr>\n", cells.collect::<String>());
    }
    text + "</table>\n"
}

fn step((step, number): (&StepReport, usize)) -> Vec<Cell> {
    let mut what = escaped(&step.what);
    for remark in [&step.note, &step.failure].into_iter().flatten() {
        what += &format!("<br><small>{}</small>", escaped(remark));
    }
    vec![
        Cell::Number(number.to_string()),
        Cell::Number(format!("{:.2} s", step.at_ms / 1_000.0)),
        Cell::Number(format!("{} ms", step.took_ms)),
        Cell::Words(what),
    ]
}

fn service(service: &ServiceReport) -> Vec<Cell> {
    let latency = |millis: Option<f64>| {
        let words = millis.map_or("–".to_owned(), |millis| format!("{millis} ms"));
        Cell::Number(words)
    };
    let reasons = service.failures.iter();
    let reasons: Vec<String> = reasons
        .map(|Failure { reason, count }| format!("{count} {}", escaped(reason)))
        .collect();
    vec![
        Cell::Words(escaped(&service.service)),
        Cell::Number(service.requests.to_string()),
        Cell::Number(service.lost.to_string()),
        Cell::Number(service.wrong.to_string()),
        Cell::Number(format!("{} ms", service.longest_gap.length_ms)),
        latency(service.p50_ms),
        latency(service.p99_ms),
        Cell::Words(reasons.join(", ")),
    ]
}
