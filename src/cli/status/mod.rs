//! `farmctl status`: what is so now, and why it is not what the file says.

mod report;
mod text;
