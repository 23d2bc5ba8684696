use super::*;
use proptest::prelude::*;

fn claim_of(text: &str) -> Claim {
    parse(text).unwrap().expectation.claim
}

#[test]
fn every_form_of_a_claim_is_read() {
    let zero = Amount::Count(0);
    assert_eq!(claim_of("lost: 0"), Claim::Lost(Relation::Is, zero));
    assert_eq!(
        claim_of("lost < 0.1%"),
        Claim::Lost(Relation::Below, Amount::Part(0.001))
    );
    assert_eq!(claim_of("errors = 0"), Claim::Errors(Relation::Is, zero));
    assert_eq!(
        claim_of("gap<200ms"),
        Claim::Gap(Relation::Below, Duration::from_millis(200))
    );
    assert_eq!(
        claim_of("p99 <= 50ms"),
        Claim::Latency(Percentile(99), Relation::AtMost, Duration::from_millis(50))
    );
    assert_eq!(
        claim_of("kept: all"),
        Claim::Kept(Relation::Is, Amount::Part(1.0))
    );
    assert_eq!(
        claim_of("kept >= 95%"),
        Claim::Kept(Relation::AtLeast, Amount::Part(0.95))
    );
    assert_eq!(
        claim_of("shares: by weight"),
        Claim::Shares { tolerance: None }
    );
}

#[test]
fn a_share_has_a_tolerance_in_either_spelling_or_none() {
    let expected = |tolerance| Claim::Share {
        server: "web1".to_owned(),
        part: 0.3,
        tolerance,
    };
    assert_eq!(claim_of("share web1: 30% ± 3%"), expected(Some(0.03)));
    assert_eq!(claim_of("share web1: 30%+-3%"), expected(Some(0.03)));
    assert_eq!(claim_of("share web1: 30%"), expected(None));
}

#[test]
fn a_server_may_be_an_address() {
    let claim = claim_of("share 2001:db8::9: 30%");
    assert!(matches!(claim, Claim::Share { server, .. } if server == "2001:db8::9"));
}

#[test]
fn a_window_and_a_service_stand_behind_a_claim_in_any_order() {
    for text in [
        "lost: 0 of http from 2s to 8s",
        "lost: 0 from 2s to 8s of http",
    ] {
        let parsed = parse(text).unwrap();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let (from, to) = (seconds(2), seconds(8));
        assert_eq!(parsed.expectation.window, Window { from, to });
        assert_eq!(parsed.expectation.of.unwrap().as_str(), "http");
        assert_eq!(&text[parsed.service.unwrap()], "http");
        assert_eq!(&text[parsed.window.unwrap()], "2s to 8s");
    }
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let shown: Vec<String> = [
        "",
        "losd: 0",
        "dropped: 0",
        "lost",
        "lost 0",
        "lost: none",
        "gap: 200ms",
        "gap < 200",
        "share web1 30%",
        "share web1: 30",
        "share web1: 130%",
        "shares: even",
        "kept: all connections",
        "lost: 0 of http of dns",
        "lost: 0 of @",
        "owners(www) <= 1",
    ]
    .iter()
    .map(|text| {
        let error = parse(text).unwrap_err();
        format!(
            "{text}\n{}{} {error}\n    {}",
            " ".repeat(error.at.start),
            "^".repeat(error.at.len().max(1)),
            error.help.get(..60).unwrap_or(&error.help),
        )
    })
    .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"

    ^ the expectation is empty
        an expectation is one of `lost: 0`, `lost < 0.1%`, `errors: 
    losd: 0
    ^^^^ unknown expectation `losd`
        did you mean `lost`?
    dropped: 0
    ^^^^^^^ unknown expectation `dropped`
        an expectation is one of `lost: 0`, `lost < 0.1%`, `errors: 
    lost
        ^ the expectation ends too early
        add `:`, `<`, `<=`, `>` or `>=`
    lost 0
         ^ `0` stands where a comparison is expected
        write `:`, `<`, `<=`, `>` or `>=`
    lost: none
          ^^^^ `none` is not a number of requests
        write a whole number such as `0`, a part such as `0.1%`, or 
    gap: 200ms
       ^ a measured time is never exactly 200ms
        write `gap < 200ms`
    gap < 200
          ^^^ `200` has no unit
        a length of time needs one: `200s` is seconds, `200ms` milli
    share web1 30%
               ^^^ `30%` stands where `:` is expected
        write `share web1: 30% ± 3%`
    share web1: 30
                ^^ `30` is not a part of the connections
        write a number from 0 to 100 with `%`, such as `30%`
    share web1: 130%
                ^^^^ `130%` is not a part of the connections
        write a number from 0 to 100 with `%`, such as `30%`
    shares: even
            ^^^^ `even` stands where `by` is expected
        write `shares: by weight`, or `share web1: 30% ± 3%` for on
    kept: all connections
              ^^^^^^^^^^^ `connections` does not belong here
        behind the claim come `of SERVICE`, `from 2s` and `to 8s`, n
    lost: 0 of http of dns
                    ^^ `of` stands here twice
        keep one of them
    lost: 0 of @
               ^ `@` is not the name of a service
        write `of` and the name of a service
    owners(www) <= 1
    ^^^^^^^^^^^ who owns a floating address is decided between directors, which this farmctl does not do yet
        leave the expectation out
    ");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic_and_a_mistake_is_inside_of_the_text(
        text in "(lost|errors|gap|share|shares|kept|p99|of|from|to|:|<|±|%|all|[0-9a-zé]| ){0,9}",
    ) {
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.at.clone()).is_some(), "{:?}", error.at);
            prop_assert!(!error.help.is_empty());
        }
    }
}
