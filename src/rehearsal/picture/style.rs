//! How the picture looks.
//!
//! The servers' colours are from Okabe and Ito's palette, which differs for every kind of colour
//! vision; its vermilion is kept for what failed. On dark paper blue and green are lighter.

/// How many servers of a service have a colour of their own.
pub(super) const COLOURS: usize = 6;

/// The style sheet, with the pattern of wrong answers.
pub(super) const STYLE: &str = r#"<style>
:root { --paper: #ffffff; --ink: #1c2126; --muted: #5a636c; --grid: #e4e7ea; --edge: #ffffff;
  --s0: #0072b2; --s1: #e69f00; --s2: #009e73; --s3: #56b4e9; --s4: #cc79a7; --s5: #d8c830;
  --others: #9aa3ab; --bad: #c64a00; --good: #007a58; --gap: #d55e00; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181c; --ink: #e8eaed; --muted: #a3acb5; --grid: #2a3036; --edge: #14181c;
    --s0: #2f8fd0; --s1: #e69f00; --s2: #1fb58a; --s3: #8fd0f5; --s4: #d993b8; --s5: #f0e442;
    --others: #6d767f; --bad: #ff8a4d; --good: #3ecf9f; --gap: #ff7a33; }
}
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink); }
.paper { fill: var(--paper); }
.title { font-size: 20px; font-weight: 600; }
.sign { font-size: 20px; font-weight: 600; }
.head { font-weight: 600; font-size: 13px; }
.muted { fill: var(--muted); }
.good { fill: var(--good); }
.bad { fill: var(--bad); font-weight: 600; }
.clear { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.grid { stroke: var(--grid); }
.base { stroke: var(--muted); }
.step { stroke: var(--muted); stroke-dasharray: 3 3; }
.label { font-weight: 500; }
.area { stroke: var(--edge); stroke-width: 0.5; }
.s0 { fill: var(--s0); } .s1 { fill: var(--s1); } .s2 { fill: var(--s2); }
.s3 { fill: var(--s3); } .s4 { fill: var(--s4); } .s5 { fill: var(--s5); }
.others { fill: var(--others); }
.lost { fill: var(--gap); }
.wrong { fill: url(#hatch); stroke: var(--gap); stroke-width: 0.5; }
.gap { fill: var(--gap); opacity: 0.22; }
.hatch { stroke: var(--gap); stroke-width: 2; }
</style>
<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="5" class="hatch"/></pattern></defs>"#;
