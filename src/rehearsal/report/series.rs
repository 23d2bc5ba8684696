//! Requests over time: buckets of a round length, at most some hundred of them.

use super::super::record::{Kind, Outcome, Record};
use super::{ServerSeries, ServiceSeries, Timeline};

/// The most buckets of a timeline.
const MOST: u64 = 600;

/// The lengths that a bucket may have, in milliseconds.
const LENGTHS: [u64; 10] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000,
];

/// The timeline of a record.
pub(super) fn timeline(record: &Record) -> Timeline {
    let duration = u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |length: &&u64| duration.div_ceil(**length) <= MOST;
    let bucket = LENGTHS.iter().find(fits).copied().unwrap_or(300_000);
    let count = usize::try_from(duration.div_ceil(bucket).max(1)).unwrap_or(1);
    let mut services: Vec<Buckets> = record
        .services
        .iter()
        .map(|_| Buckets::new(record.servers.len(), count))
        .collect();
    for sample in record
        .samples
        .iter()
        .filter(|one| one.kind != Kind::Download)
    {
        let Some(buckets) = services.get_mut(usize::from(sample.service)) else {
            continue;
        };
        let answered_at = sample.due + u64::from(sample.took);
        match sample.outcome {
            Outcome::Answered(server) => {
                let series = buckets.servers.get_mut(usize::from(server));
                add(series, answered_at, bucket);
            }
            Outcome::Lost(_) => add(Some(&mut buckets.lost), sample.due, bucket),
            Outcome::Wrong(_) => add(Some(&mut buckets.wrong), sample.due, bucket),
        }
    }
    let named = record.services.iter().zip(services);
    Timeline {
        bucket_ms: bucket,
        services: named
            .map(|(service, buckets)| buckets.named(service, &record.servers))
            .collect(),
    }
}

/// What ends after the last bucket (an answer that came late) belongs to the last.
fn add(series: Option<&mut Vec<u32>>, micros: u64, bucket: u64) {
    let Some(series) = series else { return };
    let place = usize::try_from(micros / 1_000 / bucket).unwrap_or(usize::MAX);
    let last = series.len().saturating_sub(1);
    if let Some(count) = series.get_mut(place.min(last)) {
        *count += 1;
    }
}

struct Buckets {
    servers: Vec<Vec<u32>>,
    lost: Vec<u32>,
    wrong: Vec<u32>,
}

impl Buckets {
    fn new(servers: usize, count: usize) -> Self {
        Self {
            servers: vec![vec![0; count]; servers],
            lost: vec![0; count],
            wrong: vec![0; count],
        }
    }

    /// The servers by name; those that never answered this service are left out.
    fn named(self, service: &str, names: &[String]) -> ServiceSeries {
        let mut servers: Vec<ServerSeries> = names
            .iter()
            .zip(self.servers)
            .filter(|(_, answered)| answered.iter().any(|count| *count > 0))
            .map(|(server, answered)| ServerSeries {
                server: server.clone(),
                answered,
            })
            .collect();
        servers.sort_by(|a, b| a.server.cmp(&b.server));
        ServiceSeries {
            service: service.to_owned(),
            servers,
            lost: self.lost,
            wrong: self.wrong,
        }
    }
}
