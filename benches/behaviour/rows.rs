//! What happens to the farm, one row each.

use std::time::Duration;

use super::contestant::{Kind, Wish};
use super::scene::Scene;

/// One row of the table.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) play: fn(Kind) -> String,
}

const fn row(what: &'static str, play: fn(Kind) -> String) -> Row {
    Row { what, play }
}

/// Every row.
pub(crate) const ROWS: &[Row] = &[
    row(
        "nobody listens on a real server: out of rotation after",
        out,
    ),
    row("it listens again: back after", back),
    row(
        "a real server is dead when the program starts: requests lost in 5 s",
        dead_at_start,
    ),
    row(
        "all real servers die, then the sorry server serves: requests refused after the first answer of it",
        sorry,
    ),
    row("a weight is changed by hand", hand_edit),
    row("a real server is deleted by hand", hand_deletion),
    row("the file is cut in the middle and read again", cut_file),
    row(
        "the file is read again while a real server is down",
        reload_while_down,
    ),
    row(
        "a real server is removed from the file during its download",
        removal,
    ),
    row("a service on another port is added to the file", new_weight),
    row("kill -9 and a start, 20 requests a second: lost", restart),
];

fn seconds(length: Option<Duration>) -> String {
    length.map_or("never (60 s)".to_owned(), |length| {
        format!("{:.1} s", length.as_secs_f64())
    })
}

fn out(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11, 12]));
    scene.close(12);
    seconds(scene.until(|scene| !scene.serves(12)))
}

fn back(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11, 12]));
    scene.close(12);
    scene.until(|scene| !scene.serves(12));
    Scene::rest(3);
    scene.open(12);
    seconds(scene.until(|scene| scene.serves(12)))
}

fn dead_at_start(kind: Kind) -> String {
    let mut scene = Scene::new(kind);
    scene.close(12);
    let wish = Wish::of(&[11, 12]);
    scene.it.write(&scene.it.text(&wish));
    scene.it.start(&scene.farm.director);
    if scene.until(|scene| scene.serves(11)).is_none() {
        return format!("it does not start: {}", scene.it.log());
    }
    format!("{} of 100", scene.ask(20, 5))
}

fn sorry(kind: Kind) -> String {
    let wish = Wish {
        sorry: Some(13),
        ..Wish::of(&[11, 12])
    };
    let mut scene = Scene::running(kind, &wish);
    scene.close(11);
    scene.close(12);
    let server = |scene: &Scene| scene.farm.client.ask(Scene::address()).map(|it| it.server);
    if scene.until(|scene| server(scene).is_ok()).is_none() {
        return "never serves".to_owned();
    }
    let refused = scene.ask(20, 5);
    scene.open(11);
    let and_back = scene.ask(20, 5);
    let last = server(&scene).unwrap_or_default();
    format!("{refused}, and on the way back {and_back}; then {last} serves")
}

fn hand_edit(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11, 12]));
    scene.ipvsadm("-e -t 10.8.0.100:80 -r 10.1.0.12:8080 -m -w 7");
    match scene.until(|scene| scene.weight(12) == Some(1)) {
        Some(took) => format!("put right after {}", seconds(Some(took))),
        None => "stays as it was changed".to_owned(),
    }
}

fn hand_deletion(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11, 12]));
    scene.ipvsadm("-d -t 10.8.0.100:80 -r 10.1.0.12:8080");
    match scene.until(|scene| scene.serves(12)) {
        Some(took) => format!("put right after {}", seconds(Some(took))),
        None => "stays away".to_owned(),
    }
}

fn cut_file(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11, 12]));
    let text = scene.it.text(&Wish::of(&[11, 12]));
    let half = text.get(..text.len() / 2).unwrap_or_default();
    scene.it.write(half);
    scene.it.reload();
    let mut lost = 0;
    for _ in 0..5 {
        lost += scene.ask(10, 1);
    }
    let servers = scene.table().len();
    let runs = if scene.it.runs() {
        ""
    } else {
        "; the program is gone"
    };
    format!("{servers} of 2 real servers left, {lost} of 50 requests lost{runs}")
}

fn reload_while_down(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11, 12]));
    scene.close(12);
    if scene.until(|scene| !scene.serves(12)).is_none() {
        return "it never went out".to_owned();
    }
    Scene::rest(2);
    let mut wish = Wish::of(&[11, 12]);
    wish.servers[0].1 = 2;
    scene.it.write(&scene.it.text(&wish));
    scene.it.reload();
    let done = scene.until(|scene| scene.weight(11) == Some(2));
    let lost = scene.ask(20, 5);
    let when = seconds(done);
    format!("in force after {when}, {lost} of 100 requests lost")
}

fn removal(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11]));
    let mut download = scene.farm.client.download(Scene::address(), 4_000).unwrap();
    download.wait_for(10);
    scene.it.write(&scene.it.text(&Wish::of(&[12])));
    scene.it.reload();
    if scene
        .until(|scene| scene.serves(12) && !scene.serves(11))
        .is_none()
    {
        return "the file did not come into force".to_owned();
    }
    match download.finish() {
        Ok(kilobytes) => format!("goes on to its end ({kilobytes} KB)"),
        Err(error) => format!("breaks: {}", error.kind()),
    }
}

fn new_weight(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11, 12]));
    let text = scene.it.text(&Wish::of(&[11, 12]));
    let more = match kind {
        Kind::Keepalived | Kind::Ldirectord => {
            let other = text
                .replace("10.8.0.100 80", "10.8.0.100 81")
                .replace("10.8.0.100:80", "10.8.0.100:81");
            // ldirectord's global settings stand at the top once.
            let other = other
                .split_once("\n\n")
                .map_or(other.clone(), |(_, rest)| rest.to_owned());
            format!("{text}\n{other}")
        }
        Kind::Farmctl => {
            let (_, http) = text.split_once("services:\n").unwrap_or_default();
            let other = http
                .replace("  http:", "  more:")
                .replace("port: 80\n", "port: 81\n");
            format!("{text}{other}")
        }
    };
    scene.it.write(&more);
    scene.it.reload();
    let mut to = Scene::address();
    to.set_port(81);
    seconds(scene.until(|scene| scene.farm.client.ask(to).is_ok()))
}

fn restart(kind: Kind) -> String {
    let mut scene = Scene::running(kind, &Wish::of(&[11, 12]));
    let mut lost = scene.ask(20, 1);
    scene.it.kill();
    lost += scene.ask(20, 2);
    scene.it.start(&scene.farm.director);
    lost += scene.ask(20, 5);
    format!("{lost} of 160")
}
