//! A rehearsal as one picture: who answered over time, what failed, when the steps came.
//!
//! An SVG that stands by itself: no script, no font, no address; text is text; it follows the
//! reader's light or dark scheme; its colours differ for every kind of colour vision. Pure: a
//! [`Report`] in, a text out. Called by `cli`.
//!
//! ```text
//!   shop on nftables                                        headline
//!       1 kill web3  2 weight of web3: 0                    lanes of labels, a line down from each
//!   http                                                    a panel for each service:
//!   | ▇▇▇▇▇▇▇▇▇▁▁▁▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇   web1 50%            stacked answers in a second
//!   |          ▃▃▃                        129 lost           what failed, on a scale of its own
//!   0 s        2 s       4 s
//!   ✗ gap < 200ms   316 ms                                  expectations
//! ```

mod labels;
mod page;
mod panel;
mod scale;
mod style;
mod svg;

use super::report::{Outcome, Report, headline};
pub use page::page;

use labels::{Label, lanes};
use panel::panels;
use svg::{Svg, escaped};

/// The width of the whole picture, in pixels.
const WIDTH: f64 = 1000.0;
/// Where the plots begin and how wide they are.
const LEFT: f64 = 64.0;
const PLOT: f64 = 680.0;
/// Where the words beside a plot begin.
const SIDE: f64 = LEFT + PLOT + 20.0;
const MARGIN: f64 = 24.0;
/// The height of a line of text.
const LINE: f64 = 18.0;
/// The most services that have a panel.
const PANELS: usize = 8;

/// The picture of a report.
pub fn picture(report: &Report) -> String {
    let mut svg = Svg::default();
    let mut y = head(&mut svg, report);
    let steps = step_labels(report);
    let lanes = lanes(&steps);
    let top = y;
    let count = lanes.iter().map(|lane| lane + 1).max().unwrap_or(0);
    y += scale::float(count) * LINE + 8.0;
    let panels = panels(report);
    let from = y;
    let (mut drawn, mut over) = (Svg::default(), Svg::default());
    for panel in panels.iter().take(PANELS) {
        y = panel.draw(&mut drawn, &mut over, y);
    }
    if !panels.is_empty() {
        axis(&mut svg, report, from, y);
        y += 30.0;
    }
    svg.append(&drawn);
    for (step, lane) in steps.iter().zip(lanes) {
        step_line(&mut svg, step, top + scale::float(lane) * LINE, y - 30.0);
    }
    svg.append(&over);
    y = foot(&mut svg, report, y + 6.0, panels.len());
    whole(report, &svg, y + MARGIN)
}

fn whole(report: &Report, body: &Svg, height: f64) -> String {
    let title = escaped(headline(report).trim_end());
    let description = escaped(&described(report));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{title}</title>\n<desc id=\"desc\">{description}</desc>\n\
         {}\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n{}</svg>\n",
        style::STYLE,
        body.text()
    )
}

/// The picture in words, for those who do not see it.
fn described(report: &Report) -> String {
    let services = report.services.iter().map(|one| {
        format!(
            "{}: {} requests, {} lost, {} answered wrongly, longest gap {} ms.",
            one.service, one.requests, one.lost, one.wrong, one.longest_gap.length_ms
        )
    });
    let steps = report.steps.iter();
    let steps = steps.map(|step| format!("At {:.2} s: {}.", step.at_ms / 1_000.0, step.what));
    services.chain(steps).collect::<Vec<_>>().join(" ")
}

/// The headline; gives where the next thing begins.
fn head(svg: &mut Svg, report: &Report) -> f64 {
    let (class, sign) = match report.outcome {
        Outcome::Held => ("good", "✓"),
        Outcome::Failed => ("bad", "✗"),
        Outcome::Interrupted => ("muted", "…"),
    };
    let title = format!("{} on {}", report.farm, report.dataplane);
    svg.text_at(MARGIN, 38.0, &format!("sign {class}"), sign);
    svg.text_at(MARGIN + 26.0, 38.0, "title", &title);
    svg.text_at(MARGIN + 26.0, 60.0, "muted", headline(report).trim_end());
    84.0
}

fn step_labels(report: &Report) -> Vec<Label> {
    let label = |(number, step): (usize, &super::report::StepReport)| {
        let failed = if step.failure.is_some() {
            " (failed)"
        } else {
            ""
        };
        Label {
            x: x(report, step.at_ms),
            text: shortened(&format!("{number} {}{failed}", step.what), 36),
        }
    };
    (1..).zip(&report.steps).map(label).collect()
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().take(longest - 1).collect();
    format!("{}…", kept.trim_end())
}

/// With its beginning and its end: names often differ at their ends only.
fn shortened_inside(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let end = longest / 2;
    let first: String = text.chars().take(longest - 1 - end).collect();
    let last: String = text.chars().skip(count - end).collect();
    format!("{first}…{last}")
}

/// Where a time (in milliseconds) is.
fn x(report: &Report, millis: f64) -> f64 {
    let duration = scale::float64(report.duration_ms).max(1.0);
    LEFT + PLOT * (millis / duration).clamp(0.0, 1.0)
}

/// The time axis, and its lines through all panels.
fn axis(svg: &mut Svg, report: &Report, from: f64, to: f64) {
    let seconds = scale::float64(report.duration_ms) / 1_000.0;
    for tick in scale::ticks(seconds, 10) {
        let x = x(report, tick * 1_000.0);
        svg.line(x, from, x, to, "grid");
        svg.text_middle(x, to + 18.0, "muted", &format!("{} s", scale::short(tick)));
    }
}

/// A step's label, and a line down from it.
fn step_line(svg: &mut Svg, step: &Label, y: f64, to: f64) {
    svg.line(step.x, y - 11.0, step.x, to, "step");
    svg.text_at(step.x + labels::SPACE, y, "label", &step.text);
}

/// What was expected, notes, and what is not drawn.
fn foot(svg: &mut Svg, report: &Report, from: f64, panels: usize) -> f64 {
    let mut y = from + 6.0;
    if !report.expectations.is_empty() {
        y += LINE;
        svg.text_at(MARGIN, y, "head", "Expectations");
    }
    let widest = report.expectations.iter();
    let widest = widest
        .map(|one| labels::width(&one.expectation))
        .fold(0.0, f64::max);
    for one in &report.expectations {
        y += LINE;
        let (class, sign) = if one.held {
            ("good", "✓")
        } else {
            ("bad", "✗")
        };
        svg.text_at(MARGIN, y, class, sign);
        svg.text_at(MARGIN + 20.0, y, "words", &shortened(&one.expectation, 60));
        let beside = MARGIN + 44.0 + widest.min(60.0 * labels::CHARACTER);
        svg.text_at(beside, y, "muted", &shortened(&one.measured, 84));
    }
    let mut notes = failed_steps(report);
    notes.extend(report.notes.iter().cloned());
    if panels > PANELS {
        let more = panels - PANELS;
        notes.push(format!(
            "{more} more services are in the report and not in this picture."
        ));
    }
    if !notes.is_empty() {
        y += 8.0;
    }
    for note in notes {
        y += LINE;
        svg.text_at(MARGIN, y, "muted", &shortened(&note, 140));
    }
    y
}

fn failed_steps(report: &Report) -> Vec<String> {
    let steps = (1..).zip(&report.steps);
    steps
        .filter_map(|(number, step)| {
            let failure = step.failure.as_ref()?;
            Some(format!("Step {number} could not be done: {failure}"))
        })
        .collect()
}

#[cfg(test)]
mod tests;
