//! The ways from the client to the servers, each a farm of namespaces that is set up once.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use farmctl::clock::{Clock, SystemClock};
use farmctl::netlink::conntrack;
use tempfile::TempDir;

use crate::bed::{Family, Farm, Net};
use crate::server;

/// Where the servers listen behind address translation and proxies, and the services' port.
const SERVER_PORT: u16 = 8080;
const PORT: u16 = 80;

/// One way.
pub(crate) struct Way {
    name: &'static str,
    farm: Farm,
    targets: Vec<SocketAddr>,
    place: TempDir,
    rival: Option<Rival>,
}

/// A program that forwards; ended with its way.
struct Rival(Child);

impl Drop for Rival {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Way {
    /// The ways of the nftables data plane and its rivals; the first one goes past all directors.
    pub(crate) fn nftables() -> Vec<Self> {
        let plane = "nftables";
        vec![
            Self::direct(),
            Self::farmctl("farmctl nat", "nat", plane),
            Self::by_hand(),
            Self::rival("haproxy", "haproxy", haproxy, &["-db", "-f"]),
            Self::rival("nginx stream", "nginx", nginx, &["-g", "daemon off;", "-c"]),
            Self::farmctl("farmctl direct_routing", "direct_routing", plane),
        ]
    }

    /// The same table in ip_vs, loaded by ipvsadm and by farmctl.
    pub(crate) fn ipvs() -> Vec<Self> {
        vec![
            Self::ipvsadm(),
            Self::farmctl("farmctl on ip_vs", "nat", "ipvs"),
        ]
    }

    /// What the table calls it.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Where the clients are.
    pub(crate) fn client(&self) -> &crate::bed::Node {
        &self.farm.client
    }

    /// Whom they ask.
    pub(crate) fn targets(&self) -> Vec<SocketAddr> {
        self.targets.clone()
    }

    fn new(name: &'static str, targets: Vec<SocketAddr>) -> Self {
        let farm = Farm::new();
        for node in &farm.real_servers {
            server::start(node, SERVER_PORT);
            server::start(node, PORT);
        }
        Self {
            name,
            farm,
            targets,
            place: tempfile::tempdir().unwrap(),
            rival: None,
        }
    }

    fn direct() -> Self {
        let front = |host| SocketAddr::new(Net::Front.address(Family::V4, host), PORT);
        Self::new("direct", Farm::REAL_SERVERS.map(front).to_vec())
    }

    fn farmctl(name: &'static str, method: &str, plane: &str) -> Self {
        let (net, servers, port) = match method {
            "nat" => (Net::Uplink, Net::Back, SERVER_PORT),
            _ => (Net::Front, Net::Front, PORT),
        };
        let vip = net.address(Family::V4, 100);
        let way = Self::new(name, vec![SocketAddr::new(vip, PORT)]);
        if net == Net::Front {
            way.farm.real_servers_hold("lo", vip);
        }
        let file = way.write("farm.yaml", &farm(plane, method, vip, net, servers, port));
        let state = way.path("state");
        let run = way
            .farm
            .director
            .farmctl(&["apply", &file, "--state-dir", &state]);
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        way
    }

    /// A farm whose director holds the floating address for somebody else than farmctl.
    fn by_rival(name: &'static str) -> (Self, IpAddr) {
        let vip = Net::Uplink.address(Family::V4, 100);
        let way = Self::new(name, vec![SocketAddr::new(vip, PORT)]);
        way.farm
            .director
            .add_address(Net::Uplink.interface(), &format!("{vip}/32"));
        (way, vip)
    }

    fn ipvsadm() -> Self {
        let (way, vip) = Self::by_rival("ipvsadm");
        way.farm.director.forward();
        let mut rules = format!("-A -t {vip}:{PORT} -s rr\n");
        for host in Farm::REAL_SERVERS {
            let server = Net::Back.address(Family::V4, host);
            rules += &format!("-a -t {vip}:{PORT} -r {server}:{SERVER_PORT} -m -w 1\n");
        }
        let rules = fs::File::open(way.write("rules", &rules)).unwrap();
        let status = way.farm.director.run(|| {
            let mut ipvsadm = program("ipvsadm");
            ipvsadm.arg("-R").stdin(rules).status().unwrap()
        });
        assert!(status.success(), "ipvsadm ended with {status}");
        way
    }

    fn by_hand() -> Self {
        let (way, vip) = Self::by_rival("nft by hand");
        way.farm.director.forward();
        let rules = way.write("rules.nft", &rules(vip));
        let status = way.farm.director.run(|| {
            let mut nft = program("nft");
            nft.args(["-f", &rules]).status().unwrap()
        });
        assert!(status.success(), "nft ended with {status}");
        way
    }

    fn rival(
        name: &'static str,
        command: &str,
        text: fn(IpAddr, &Path) -> String,
        arguments: &[&str],
    ) -> Self {
        let (mut way, vip) = Self::by_rival(name);
        let file = way.write("rival.conf", &text(vip, way.place.path()));
        let child = way.farm.director.run(|| {
            let mut rival = program(command);
            rival.args(arguments).arg(&file).stdin(Stdio::null());
            rival.stdout(Stdio::null()).stderr(Stdio::null());
            rival.spawn().unwrap()
        });
        way.rival = Some(Rival(child));
        way.wait_for_answers();
        way
    }

    fn wait_for_answers(&self) {
        for _ in 0..200 {
            if self
                .farm
                .client
                .run(|| std::net::TcpStream::connect(self.targets[0]))
                .is_ok()
            {
                return;
            }
            SystemClock.sleep(std::time::Duration::from_millis(20));
        }
        panic!("{} does not answer", self.name);
    }

    fn path(&self, name: &str) -> String {
        self.place.path().join(name).to_string_lossy().into_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }
}

/// Twelve downloads run while the director forgets every connection, as at a take-over.
pub(crate) fn continuity() -> String {
    const DOWNLOADS: usize = 12;
    let vip = Net::Uplink.address(Family::V4, 100);
    let farm = Farm::new();
    let _servers = farm.serve(SERVER_PORT);
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("farm.yaml");
    fs::write(
        &file,
        self::farm("nftables", "nat", vip, Net::Uplink, Net::Back, SERVER_PORT),
    )
    .unwrap();
    let state = place.path().join("state");
    let (file, state) = (file.to_string_lossy(), state.to_string_lossy());
    let run = farm
        .director
        .farmctl(&["apply", &file, "--state-dir", &state]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let service = SocketAddr::new(vip, PORT);
    let mut downloads: Vec<_> = (0..DOWNLOADS)
        .map(|_| farm.client.download(service, 200).unwrap())
        .collect();
    for download in &mut downloads {
        download.wait_for(5);
    }
    farm.director
        .run(|| conntrack::Client::open().unwrap().flush().unwrap());
    let whole = downloads
        .into_iter()
        .filter_map(|download| download.finish().ok())
        .filter(|kilobytes| *kilobytes == 200)
        .count();
    let met = if whole == DOWNLOADS { "yes" } else { "NO" };
    format!(
        "| what | found | target | met |\n|-|-|-|-|\n\
         | downloads that survive a flush of the connection table | {whole} of {DOWNLOADS} | all | {met} |"
    )
}

fn farm(plane: &str, method: &str, vip: IpAddr, net: Net, servers: Net, port: u16) -> String {
    let interface = net.interface();
    let list: String = Farm::REAL_SERVERS
        .map(|host| {
            let address = servers.address(Family::V4, host);
            format!("      - {{ address: {address}, port: {port}, weight: 1 }}\n")
        })
        .concat();
    format!(
        "version: 1\ndirectors: {{ members: [lb], dataplane: {plane} }}\n\
         nodes: {{ lb: {{ address: {}/24, interface: {interface} }} }}\n\
         vips: {{ www: {{ addresses: [{vip}/24], interface: {interface} }} }}\n\
         services:\n  http:\n    vip: www\n    port: {PORT}\n    scheduler: rr\n    forwarding: {method}\n    real_servers:\n{list}",
        net.address(Family::V4, Farm::DIRECTOR)
    )
}

/// What somebody who knows nftables would write for one service.
fn rules(vip: IpAddr) -> String {
    let [one, two, three] = Farm::REAL_SERVERS.map(|host| Net::Back.address(Family::V4, host));
    format!(
        "table ip byhand {{\n chain prerouting {{\n  type nat hook prerouting priority dstnat;\n  \
         ip daddr {vip} tcp dport {PORT} dnat to jhash ip saddr . tcp sport mod 3 map {{ \
         0 : {one}, 1 : {two}, 2 : {three} }} : {SERVER_PORT}\n }}\n}}\n"
    )
}

fn haproxy(vip: IpAddr, _place: &Path) -> String {
    let servers: String = Farm::REAL_SERVERS
        .map(|host| {
            format!(
                "  server s{host} {}:{SERVER_PORT}\n",
                Net::Back.address(Family::V4, host)
            )
        })
        .concat();
    format!(
        "global\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  \
         timeout server 30s\nlisten farm\n  bind {vip}:{PORT}\n  balance roundrobin\n{servers}"
    )
}

fn nginx(vip: IpAddr, place: &Path) -> String {
    let servers: String = Farm::REAL_SERVERS
        .map(|host| {
            format!(
                "  server {}:{SERVER_PORT};\n",
                Net::Back.address(Family::V4, host)
            )
        })
        .concat();
    let place = place.display();
    format!(
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\nworker_processes 2;\n\
         pid {place}/nginx.pid;\nerror_log {place}/nginx.log;\nuser root;\n\
         events {{ worker_connections 4000; }}\nstream {{\n upstream farm {{\n{servers} }}\n \
         server {{ listen {vip}:{PORT} backlog=4096; proxy_pass farm; }}\n}}\n"
    )
}

#[expect(clippy::disallowed_methods, reason = "the rivals are programs")]
pub(crate) fn program(name: &str) -> Command {
    Command::new(name)
}
