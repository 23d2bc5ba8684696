//! Whatever is wished for and whatever others do: in the end the kernel holds the newest wish, and
//! what others made is as they left it.

use proptest::prelude::*;

use super::bench::{Stage, bent, destination, farm, service};
use crate::reconcile::testing::state_of_ports;
use crate::state::{Overlay, Share};

#[derive(Debug, Clone)]
enum Event {
    File(Vec<u16>, Vec<(u8, u32)>),
    Bend(Vec<(u16, u8, Share)>),
    Weight(u16, u8, u32),
    Remove(u16),
    Stray(u16),
    Flush,
    Read,
    Pass(u64),
    Restart,
}

fn any_file() -> impl Strategy<Value = (Vec<u16>, Vec<(u8, u32)>)> {
    let ports = proptest::sample::subsequence(vec![80_u16, 81, 82], 1..=3);
    let servers = proptest::collection::btree_map(21..25_u8, 0..4_u32, 1..4);
    (ports, servers).prop_map(|(ports, servers)| (ports, servers.into_iter().collect()))
}

fn any_share() -> impl Strategy<Value = Share> {
    prop_oneof![Just(Share::Out), (0..3_u32).prop_map(Share::Weight)]
}

fn any_event() -> impl Strategy<Value = Event> {
    let port = 80..83_u16;
    let server = 21..25_u8;
    let bend = proptest::collection::vec((port.clone(), server.clone(), any_share()), 0..4);
    prop_oneof![
        3 => any_file().prop_map(|(ports, servers)| Event::File(ports, servers)),
        3 => bend.prop_map(Event::Bend),
        1 => (port.clone(), server, 0..9_u32).prop_map(|(a, b, c)| Event::Weight(a, b, c)),
        1 => port.clone().prop_map(Event::Remove),
        1 => port.prop_map(Event::Stray),
        1 => Just(Event::Flush),
        3 => Just(Event::Read),
        2 => (0..70_u64).prop_map(Event::Pass),
        1 => Just(Event::Restart),
    ]
}

fn happen(stage: &mut Stage, event: Event, text: &mut String) {
    match event {
        Event::File(ports, servers) => {
            *text = farm(&ports, &servers);
            stage.overlay = Overlay::default();
            stage.shrunk_file(text);
        }
        Event::Bend(shares) => stage.bend(bent(&shares)),
        Event::Weight(port, server, weight) => stage.meddle(|state| {
            let found = state.services.get_mut(&service(port));
            if let Some(it) =
                found.and_then(|service| service.destinations.get_mut(&destination(server)))
            {
                it.weight = weight;
            }
        }),
        Event::Remove(port) => stage.meddle(|state| {
            state.services.remove(&service(port));
        }),
        Event::Stray(port) => stage.meddle(|state| {
            if let Some(service) = state.services.get_mut(&service(port))
                && let Some(copy) = service.destinations.values().next().copied()
            {
                service.destinations.insert(destination(99), copy);
            }
        }),
        Event::Flush => stage.meddle(|state| state.addresses.clear()),
        Event::Read => stage.read(),
        Event::Pass(seconds) => stage.pass(seconds),
        Event::Restart => {
            stage.start();
            stage.shrunk_file(text);
        }
    }
    stage.said();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn in_the_end_the_kernel_holds_the_newest_wish(
        (ports, servers) in any_file(),
        events in proptest::collection::vec(any_event(), 0..12),
    ) {
        let foreign = state_of_ports(&[8000]);
        let mut text = farm(&ports, &servers);
        let mut stage = Stage::holding(foreign.clone());
        stage.file(&text);
        for event in events {
            happen(&mut stage, event, &mut text);
        }
        let overlay = stage.overlay.clone();
        stage.order(crate::reconcile::keeper::Order::Resume);
        for _ in 0..4 {
            stage.read();
            stage.pass(61);
        }
        let mut fresh = Stage::holding(foreign);
        fresh.overlay = overlay;
        fresh.file(&text);
        let (mut held, wanted) = (stage.state(), fresh.state());
        // A setting that nothing asks for any more stays as it is.
        held.settings.retain(|setting, _| wanted.settings.contains_key(setting));
        prop_assert_eq!(held, wanted);
    }
}
