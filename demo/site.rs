//! The machines of `farm.yaml`, and what is said about them.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::bed::{Family, Node, Server, Switch};

/// Both families.
pub(crate) const FAMILIES: [Family; 2] = Family::BOTH;

/// The farm of the file, with a client beside it.
pub(crate) struct Site {
    pub(crate) client: Node,
    director: Node,
    place: tempfile::TempDir,
    _switch: Switch,
    _servers: Vec<(Node, Server)>,
}

impl Site {
    /// Real servers listen; farmctl has not run yet.
    pub(crate) fn new(text: &str) -> Self {
        let (client, director) = (Node::new("client"), Node::new("lb1"));
        client.cable("eth0", &director, "eth0");
        for (node, addresses) in [
            (&client, ["192.0.2.100/24", "2001:db8::100/64"]),
            (&director, ["192.0.2.11/24", "2001:db8::11/64"]),
        ] {
            for address in addresses {
                node.add_address("eth0", address);
            }
        }
        let switch = Switch::new("back");
        switch.plug(
            &director,
            "eth1",
            &["10.0.0.11/24".into(), "fd00::11/64".into()],
        );
        let servers = (1..=3).map(|number| server(&switch, number)).collect();
        let site = Self {
            client,
            director,
            place: tempfile::tempdir().unwrap(),
            _switch: switch,
            _servers: servers,
        };
        site.write(text);
        site
    }

    /// The farm's file has another text now.
    pub(crate) fn write(&self, text: &str) {
        fs::write(self.path("farm.yaml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Runs farmctl on the director as an operator does, shows it, and returns what it printed.
    pub(crate) fn farmctl(&self, arguments: &[&str]) -> String {
        println!("\nlb1$ farmctl {}", arguments.join(" "));
        let output = self
            .director
            .run(|| self.command(arguments).output().unwrap());
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told).into_owned();
        print!("{told}");
        let code = output.status.code();
        let fine = code == Some(0) || arguments == ["diff"] && code == Some(1);
        assert!(fine, "farmctl {arguments:?} ended with {code:?}");
        told
    }

    fn command(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "it is what is shown")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_farmctl"));
        command.args(arguments).current_dir(self.place.path());
        command.env("FARMCTL_STATE_DIR", self.path("state"));
        command
    }

    /// Asks 60 times by each family, shows who answered, and sees that it is as promised.
    pub(crate) fn shows_spread(&self, promised: [usize; 3]) {
        let mut answers = BTreeMap::new();
        for family in FAMILIES {
            for (name, times) in self.client.spread(service(family), 60).unwrap() {
                *answers.entry(name).or_insert(0) += times;
            }
        }
        for (name, times) in &answers {
            println!("{name} answered {times:2} times  {}", "#".repeat(*times));
        }
        let counted: Vec<usize> = answers.into_values().collect();
        assert_eq!(counted, promised, "the spread is not by the weights");
    }
}

/// The virtual service.
pub(crate) fn service(family: Family) -> SocketAddr {
    let vip = match family {
        Family::V4 => "192.0.2.10:80",
        Family::V6 => "[2001:db8::10]:80",
    };
    vip.parse().unwrap()
}

/// A step of the demonstration.
pub(crate) fn headline(words: &str) {
    let bold = std::env::var_os("FARMCTL_COLOR").is_some();
    let (on, off) = if bold {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("", "")
    };
    println!("\n{on}== {words}{off}");
}

fn server(switch: &Switch, number: u8) -> (Node, Server) {
    let node = Node::new(&format!("web{number}"));
    let addresses = [
        format!("10.0.0.2{number}/24"),
        format!("fd00::2{number}/64"),
    ];
    switch.plug(&node, "eth0", &addresses);
    node.route_by("10.0.0.11".parse().unwrap());
    node.route_by("fd00::11".parse().unwrap());
    let server = Server::start(&node, 8080);
    (node, server)
}
