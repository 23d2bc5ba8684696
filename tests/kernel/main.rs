//! Tests that need a kernel with ip_vs. `lab/wrap` gives each of them one; docs/lab.md says how.
#[test]
fn the_lab_has_ip_vs() {
    assert!(std::path::Path::new("/proc/net/ip_vs").exists());
}
