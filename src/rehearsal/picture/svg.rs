//! SVG elements as text: coordinates with one digit behind the point, everything escaped.

/// Elements so far, a line each.
#[derive(Debug, Default)]
pub(super) struct Svg {
    text: String,
}

impl Svg {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.text += &other.text;
    }

    pub(super) fn text_at(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let text = escaped(text);
        self.text += &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{text}</text>\n");
    }

    /// With its middle at x.
    pub(super) fn text_middle(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.text_at(x, y, &format!("{class} middle"), text);
    }

    /// With its end at x.
    pub(super) fn text_end(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.text_at(x, y, &format!("{class} end"), text);
    }

    pub(super) fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
        self.text += &format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
             class=\"{class}\"/>\n"
        );
    }

    pub(super) fn rect(&mut self, at: Rect, class: &str) {
        let Rect {
            x,
            y,
            width,
            height,
        } = at;
        self.text += &format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             class=\"{class}\"/>\n"
        );
    }

    /// An area with a name, which readers see when they point at it.
    pub(super) fn area(&mut self, path: &str, class: &str, name: &str) {
        let name = escaped(name);
        self.text +=
            &format!("<path d=\"{path}\" class=\"{class}\"><title>{name}</title></path>\n");
    }
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A text that can stand between tags. Characters that XML does not have become U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
