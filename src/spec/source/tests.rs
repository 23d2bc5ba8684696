use super::*;

const GOOD: &str = "\
version: 1
farm: shop
nodes:
  web1: { address: 10.0.0.21, interface: eth0 }
vips:
  www: { addresses: [192.0.2.10/24, \"2001:db8::10/64\"] }
services:
  http:
    vip: www
    port: 80
    scheduler: wlc
    real_servers:
      - { node: web1, port: 8080, weight: 3 }
      - { address: 10.0.0.22 }
";

fn messages(text: &str) -> Vec<String> {
    let reading = read("farm.yaml", text.as_bytes());
    reading
        .problems
        .iter()
        .map(|problem| problem.message.clone())
        .collect()
}

#[test]
fn a_good_file_is_read_without_problems() {
    let reading = read("farm.yaml", GOOD.as_bytes());
    assert_eq!(reading.problems, []);
    let farm = reading.value.unwrap();
    assert_eq!(farm.services["http"].real_servers.len(), 2);
}

#[test]
fn every_mistake_of_a_file_is_told_in_one_run() {
    let text = "\
verson: 1
version: 1
vips:
  www: { addresses: [192.0.2.300/24, 192.0.2.10/24] }
services:
  http:
    vip: www
    port: '80'
    scheduler: wcl
    real_servers:
      - { address: 10.0.0.21, wieght: 3 }
      - { address: 10.0.0.22, weight: 1_000 }
  https:
    port: 443
";
    insta::assert_snapshot!(messages(text).join("\n"), @r"
    unknown key `verson` at the top level
    `192.0.2.300/24` is not an address
    `services.http.port` must be a whole number from 0 to 65535, not the text `80`
    unknown scheduler `wcl`
    unknown key `wieght` in `services.http.real_servers[0]`
    `services.http.real_servers[1].weight` must be a whole number from 0 to 4294967295, not the text `1_000`
    the key `vip` is missing in `services.https`
    ");
}
