//! What a person is told about a farm.yaml that cannot be read.

use std::fmt::Write;

use farmctl::spec::{read, report};

/// Shows a problem in one line: where, what, and what to do.
fn told(text: &str) -> String {
    let reading = read("farm.yaml", text.as_bytes());
    let lines = report::to_json(&reading.problems, &reading.source);
    let line = |problem: &serde_json::Value| {
        let text = |key: &str| problem[key].as_str().unwrap_or("-").to_owned();
        format!(
            "{}:{}-{}:{} {}: {} | {} | {}",
            problem["line"],
            problem["column"],
            problem["end_line"],
            problem["end_column"],
            text("code"),
            text("message"),
            text("label"),
            text("help")
        )
    };
    let lines: Vec<String> = lines["problems"]
        .as_array()
        .into_iter()
        .flatten()
        .map(line)
        .collect();
    lines.join("\n")
}

#[test]
fn every_kind_of_mistake_is_told_with_its_place_and_its_remedy() {
    let mut all = String::new();
    for text in [
        "",
        "# only a comment\n",
        "- a\n",
        "hello\n",
        "version: 2\nfoo: 1\n",
        "version: '1'\n",
        "farm: x\n",
        "version: 1\nservices:\n",
        "version: 1\n<<: {a: 1}\n",
        "version: 1\nservices: {http: {<<: {vip: www}, port: 80}}\n",
        "version: 1\nfarm: a\nfarm: b\n",
        "version: 1\nfarm: !!binary aGk=\n",
        "version: 1\n---\nversion: 1\n",
        "version: 1\n\tfarm: x\n",
        "version: 1\nnodes:\n\tweb1: {}\n",
        "version: 1\nfarm: \"x\n",
        "version: 1\nnodes: {a: {}\n",
        "version: 1\nfarm: a: b\n",
        "version: 1\nfarm: *nope\n",
        "version: 1\nx-a: &a {weight: 70000000000}\ndefaults: {real_server: *a}\n",
        "version: 1\nx-a: &a {wieght: 7}\npools: {p: {real_servers: [*a]}}\n",
        "version: 1\nservices: {http: {vip: www, port: 80, one_packet: yes}}\n",
        "version: 1\nservices: {http: {vip: 5, port: 80, protocol: [tcp, icmp], scheduler: {lc: {}}, forwarding: {tunel: gue}}}\n",
        "version: 1\nservices: {http: {vip: v, forwarding: {tunnel: gue}, persistence: {timeout: 30}}}\n",
        "version: 1\nservices: {http: {vip: v, ports: [0, 70000, 9-1, '80', a], scheduler: {mh: {port: maybe}, sh: {}}}}\n",
        "version: 1\nheartbeat: {interval: 1s}\nservices: {http: {vip: v, port: 80, sorry_server: builtin, check: {http: {path: /}}, quorum: {}}}\n",
        "version: 1\nvips: {www: {addresses: 10.0.0.1/24, ownership: quorum}}\ndirectors: {members: [a], witnesses: [b]}\n",
        "version: 1\nnodes: {'a b': {address: 10.0.0.1/33}}\n",
        "version: 1\n? {a: b}\n: c\n",
        "version: 1\nnodes: {*a : b}\n",
        "version: 1\nnodes: {a: &a {address: *a}}\n",
        "\u{feff}version: 1\nfarm: [x]\n",
        "version: 1\r\nfarm: [x]\r\n",
        "version: 1\nfarm: \0\n",
        "version: 1\nvips:\n  www:\n    adresses: [10.0.0.1]\n",
        "version: 1\nservices: {http: {vip: v, port: }}\n",
        "version: 1\nservices: {http: {vip: v, real_servers: [{address: 10.0.0.1/24}, {address: 5}]}}\n",
        "version: @foo\n",
        "version: 1\nfarm: %x\n",
        "version: 1\nfarm: !x y\n",
    ] {
        let _infallible = writeln!(all, "--- {text:?}\n{}", told(text));
    }
    insta::assert_snapshot!(all);
}
