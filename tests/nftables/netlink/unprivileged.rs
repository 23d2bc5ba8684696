//! The same in a user namespace, whoever runs these tests: without any right outside of it.

use std::env;

#[test]
fn everything_here_holds_in_a_user_namespace_too() {
    let mut again = assert_cmd::Command::new("unshare");
    again.args(["--user", "--map-root-user", "--net", "--mount", "--"]);
    again.arg(env::current_exe().unwrap());
    again.args(["netlink::", "--skip", "netlink::unprivileged"]);
    let output = again.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    let passed = told.matches(" ... ok").count();
    assert!(passed > 20, "{told}");
}
