//! The stream of events: none missed without a word, none twice.

use farmctl::event::Kind;

use crate::client::{EventStream, Said, get};
use crate::house::{House, RUN};

#[test]
fn what_happened_comes_first_and_what_happens_after_it() {
    let house = House::open();
    for _ in 0..3 {
        house.tell(Kind::ServerUp);
    }
    let mut stream = EventStream::open(&house.socket, "/v1/events", "");
    assert_eq!(stream.take(3), [1, 2, 3]);
    house.tell(Kind::ServerDown);
    assert_eq!(stream.next(), Some(Said::Event(format!("{RUN}-4"), 4)));
}

#[test]
fn a_reader_that_was_cut_off_goes_on_where_it_was() {
    let house = House::open();
    for _ in 0..600 {
        house.tell(Kind::ServerUp);
    }
    let mut seen = EventStream::open(&house.socket, "/v1/events", "").take(250);
    let last = format!("last-event-id: {RUN}-{}\r\n", seen.len());
    let mut again = EventStream::open(&house.socket, "/v1/events", &last);
    seen.extend(again.take(350));
    assert_eq!(seen, (1..=600).collect::<Vec<u64>>());
}

#[test]
fn events_that_come_while_readers_read_reach_each_of_them_once() {
    let house = House::open();
    let mut readers: Vec<EventStream> = (0..5)
        .map(|_| EventStream::open(&house.socket, "/v1/events?since=0", ""))
        .collect();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..5_000).for_each(|_| house.tell(Kind::ServerUp)));
        for reader in &mut readers {
            scope.spawn(|| assert_eq!(reader.take(5_000), (1..=5_000).collect::<Vec<u64>>()));
        }
    });
}

#[test]
fn a_reader_that_sleeps_too_long_is_told_what_it_missed_and_goes_on() {
    let house = House::open();
    let mut stream = EventStream::open(&house.socket, "/v1/events", "");
    // More than the ring and the socket's buffers take together.
    for _ in 0..60_000 {
        house.tell(Kind::ServerUp);
    }
    let (mut expected, mut missed) = (1, 0);
    while expected <= 60_000 {
        match stream.next().unwrap() {
            Said::Missed(count) => {
                missed += count;
                expected += count;
            }
            Said::Event(_, sequence) => {
                assert_eq!(sequence, expected);
                expected += 1;
            }
        }
    }
    assert!(missed > 0, "the ring turned over");
}

#[test]
fn after_a_restart_of_the_daemon_the_new_run_comes_from_its_beginning() {
    let house = House::open();
    house.tell(Kind::Started);
    let mut stream = EventStream::open(&house.socket, "/v1/events", "last-event-id: 17-9000\r\n");
    assert_eq!(stream.next(), Some(Said::Event(format!("{RUN}-1"), 1)));
}

#[test]
fn without_following_the_stream_ends_with_what_there_is() {
    let house = House::open();
    for _ in 0..300 {
        house.tell(Kind::ServerUp);
    }
    let mut stream = EventStream::open(&house.socket, "/v1/events?follow=false&since=2", "");
    assert_eq!(stream.take(1_000), (3..=300).collect::<Vec<u64>>());
}

#[test]
fn what_is_no_place_in_the_stream_is_refused() {
    let house = House::open();
    for query in ["since=x", "since=-1", "since=1-", "follow=perhaps"] {
        let answer = get(&house.socket, &format!("/v1/events?{query}"));
        assert_eq!(answer.status, 400, "{query}");
    }
}
