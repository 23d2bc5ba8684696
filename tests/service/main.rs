//! `dist/farmctl.service`: what systemd says of it, and that farmctl works inside what it leaves.
//!
//! There is no systemd to run it under in a test. So its words are read by `systemd-analyze`, and
//! the two restrictions that could break farmctl (what is read-only, which capabilities are left)
//! are made by hand: `lab/wrap` runs this binary in namespaces of its own.

#[cfg(test)]
mod confined;
#[cfg(test)]
mod unit;
