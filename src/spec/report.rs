//! Problems for people (a caret under the place) and for tools (JSON).
//!
//! Makes texts and values; prints nothing. Called by `cli`.

use std::collections::BTreeMap;
use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use serde_json::{Value, json};

use super::{Place, Problem, Severity, SourceText};

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether it has colours.
    pub colour: Colour,
    /// The longest line, in columns.
    pub width: usize,
}

/// Whether a report has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// ANSI escapes.
    Ansi,
    /// None.
    None,
}

impl Default for Style {
    /// Without colours, 80 columns wide.
    fn default() -> Self {
        Self {
            colour: Colour::None,
            width: 80,
        }
    }
}

/// The problems of one file with their places, and a last line that counts them; empty without
/// problems.
pub fn render(problems: &[Problem], source: &SourceText, style: Style) -> String {
    let theme = match style.colour {
        Colour::Ansi => GraphicalTheme::unicode(),
        Colour::None => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width)
        .with_links(false)
        .with_context_lines(1);
    let text = NamedSource::new(source.name(), source.text().to_owned());
    let mut report = String::new();
    for problem in problems {
        let shown = Shown::new(problem, source, &text);
        if handler.render_report(&mut report, &shown).is_err() {
            // A place that cannot be drawn (an empty file): the words alone.
            report.push_str(&plain(problem, source));
        }
        report.push('\n');
    }
    if !problems.is_empty() {
        report.push_str(&summary(problems));
        report.push('\n');
    }
    report
}

fn plain(problem: &Problem, source: &SourceText) -> String {
    let help = problem
        .help
        .as_ref()
        .map(|help| format!("  help: {help}\n"))
        .unwrap_or_default();
    format!("{}: {}\n{help}", source.name(), problem.message)
}

/// How many errors and warnings there are: `3 errors, 1 warning`.
pub fn summary(problems: &[Problem]) -> String {
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    let warnings = problems.len() - errors;
    let counted = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    match (errors, warnings) {
        (_, 0) => counted(errors, "error"),
        (0, _) => counted(warnings, "warning"),
        _ => format!(
            "{}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        ),
    }
}

/// A problem as miette draws it.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    labels: Vec<LabeledSpan>,
    text: &'a NamedSource<String>,
}

impl<'a> Shown<'a> {
    fn new(problem: &'a Problem, source: &SourceText, text: &'a NamedSource<String>) -> Self {
        let mut labels = Vec::new();
        let range = source.locate(&problem.place);
        if !source.text().is_empty() && raw_place(problem) != Some(0..0) {
            let label = (!problem.label.is_empty()).then(|| problem.label.clone());
            labels.push(LabeledSpan::new_primary_with_span(label, range));
        }
        for (place, text) in &problem.related {
            labels.push(LabeledSpan::new_with_span(
                Some(text.clone()),
                source.locate(place),
            ));
        }
        Self {
            problem,
            labels,
            text,
        }
    }
}

/// The bytes of a place that is not a path.
fn raw_place(problem: &Problem) -> Option<std::ops::Range<usize>> {
    match &problem.place {
        Place::Bytes(range) => Some(range.clone()),
        Place::Key(_) | Place::Value(_) => None,
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        (!self.labels.is_empty()).then_some(self.text as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// The problems of one file for tools: `{"format_version": 1, "file": …, "problems": [...]}`.
///
/// Lines and columns begin at 1; columns count characters; the end is behind the last character.
pub fn to_json(problems: &[Problem], source: &SourceText) -> Value {
    let lines = Lines::new(source.text());
    let count = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    json!({
        "format_version": 1,
        "file": source.name(),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "problems": problems.iter().map(|problem| entry(problem, source, &lines)).collect::<Vec<_>>(),
    })
}

fn entry(problem: &Problem, source: &SourceText, lines: &Lines<'_>) -> Value {
    let related = problem.related.iter().map(|(place, text)| {
        let mut related = placed(place, source, lines);
        related.insert("message".to_owned(), json!(text));
        Value::Object(related)
    });
    let mut entry = serde_json::Map::new();
    entry.insert("severity".to_owned(), json!(problem.severity));
    entry.insert("code".to_owned(), json!(problem.code));
    entry.extend(placed(&problem.place, source, lines));
    entry.insert("message".to_owned(), json!(problem.message));
    entry.insert("label".to_owned(), json!(problem.label));
    entry.insert("help".to_owned(), json!(problem.help));
    entry.insert("related".to_owned(), related.collect());
    Value::Object(entry)
}

fn placed(place: &Place, source: &SourceText, lines: &Lines<'_>) -> serde_json::Map<String, Value> {
    let range = source.locate(place);
    let (line, column) = lines.at(range.start);
    let (end_line, end_column) = lines.at(range.end);
    let fields = [
        ("file", json!(source.name())),
        ("path", json!(source.path(place).to_string())),
        ("line", json!(line)),
        ("column", json!(column)),
        ("end_line", json!(end_line)),
        ("end_column", json!(end_column)),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Lines of a text by their first bytes.
struct Lines<'t> {
    text: &'t str,
    starts: BTreeMap<usize, usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(place, _)| place + 1);
        let starts = std::iter::once(0).chain(after).zip(1..).collect();
        Self { text, starts }
    }

    /// Line and column of a byte, both from 1.
    fn at(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.text.len());
        let (start, line) = self
            .starts
            .range(..=byte)
            .next_back()
            .map_or((0, 1), |(s, l)| (*s, *l));
        let column = self
            .text
            .get(start..byte)
            .map_or(0, |text| text.chars().count());
        (line, column + 1)
    }
}
