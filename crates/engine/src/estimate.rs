//! What a first import costs, before it is begun.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{ConnectionId, Stream};
use futures::TryStreamExt as _;
use lever::{Lane, ListSources};

use crate::engine::Engine;
use crate::error::Result;

/// What the first import of a connection costs at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImportEstimate {
    /// How many opportunities Lever may have, by what it says of its sources: it tells no totals.
    pub people: u64,
    /// Requests for all that is kept, if none of it were left out by its age.
    pub requests: u64,
    /// How many kinds of record take a request for each person.
    pub lists_per_person: u32,
    /// How long they take at the rate Lever allows a key.
    pub at_full_rate: Duration,
    /// How long they take where half of that is left to other programs.
    pub at_half_rate: Duration,
}

/// Records on one page of Lever's.
const PAGE: u64 = 100;

impl Engine {
    /// Estimates the first import by the present settings, whether or not it has begun.
    ///
    /// Asks Lever for its sources, one request for each hundred of them; for nothing where people are not mirrored.
    ///
    /// # Errors
    /// Not found; Lever's refusals.
    pub async fn estimate_import(&self, id: ConnectionId) -> Result<ImportEstimate> {
        let link = self.link(id)?;
        let streams = link.connection().streams.clone();
        let rate = self.shared.settings.budget.rate_per_second.max(1.0);
        // Nobody is read, so nobody is counted, with a key that may not (T-01).
        if !streams.contains(&Stream::Opportunities) {
            return Ok(estimate(0, &streams, rate));
        }
        let client = link
            .client(Lane::Interactive)
            .with_limits(self.shared.clients.impatient());
        let sources = ListSources {
            limit: Some(100),
            offset: None,
        };
        let counted = client.pages(&sources).try_fold(0_u64, async |sum, page| {
            let read = page.value.records.iter().flatten();
            let counts = read.filter_map(|source| source.value.count);
            let of_page: u64 = counts.filter_map(|count| u64::try_from(count).ok()).sum();
            Ok(sum.saturating_add(of_page))
        });
        let people = counted.await?;
        Ok(estimate(people, &streams, rate))
    }
}

/// People come a hundred to a page, and what hangs on each of them takes a request for each kind.
fn estimate(people: u64, streams: &BTreeSet<Stream>, rate_per_second: f64) -> ImportEstimate {
    let kept = |stream: &&Stream| streams.contains(*stream);
    let lists = Stream::ALL.iter().filter(kept);
    let lists = lists.filter(|stream| stream.parent().is_none()).count();
    let below = Stream::CHILDREN.iter().filter(kept).count();
    let (pages, people_kept) = match streams.contains(&Stream::Opportunities) {
        true => (people.div_ceil(PAGE), people),
        false => (0, 0),
    };
    let requests = (lists as u64)
        .saturating_add(pages)
        .saturating_add(people_kept.saturating_mul(below as u64));
    let at =
        |rate: f64| Duration::try_from_secs_f64(requests as f64 / rate).unwrap_or(Duration::MAX);
    ImportEstimate {
        people,
        requests,
        lists_per_person: u32::try_from(below).unwrap_or(u32::MAX),
        at_full_rate: at(rate_per_second),
        at_half_rate: at(rate_per_second / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_costs_a_page_for_a_hundred_people_and_a_request_for_each_list_of_each() {
        let six = [
            Stream::Opportunities,
            Stream::Notes,
            Stream::Offers,
            Stream::Interviews,
            Stream::Feedback,
            Stream::Resumes,
            Stream::Forms,
        ];
        let told = estimate(18_400, &six.into(), 10.0);
        // product.md: 18,400 opportunities with six lists each are about 110,600 requests, 3.1 h at ten a second.
        assert_eq!(told.requests, 1 + 184 + 110_400);
        assert_eq!(told.at_full_rate.as_secs(), 11_058);
        assert_eq!(told.at_half_rate.as_secs(), 22_117);
        let lists = estimate(18_400, &[Stream::Users, Stream::Tags].into(), 10.0);
        assert_eq!(lists.requests, 2, "nobody is read");
    }
}
