//! How often somebody may call.

use crate::config::Rate;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// Calls between two times that what is not needed any more is forgotten.
const FORGET: u32 = 4096;

/// The limits of addresses and keys.
pub(crate) struct Rates {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    keys: DefaultKeyedRateLimiter<String>,
    registrations: DefaultKeyedRateLimiter<IpAddr>,
    all_registrations: DefaultDirectRateLimiter,
    calls: AtomicU32,
}

/// Somebody calls too often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exceeded {
    /// When it is worth another try.
    pub(crate) seconds: u64,
}

impl Rates {
    pub(crate) fn new(rate: Rate) -> Self {
        let least = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let a_minute = |number| Quota::per_minute(least(number));
        let an_hour = |number| Quota::per_hour(least(number));
        Self {
            addresses: RateLimiter::keyed(a_minute(rate.address)),
            keys: RateLimiter::keyed(a_minute(rate.key)),
            registrations: RateLimiter::keyed(an_hour(rate.registrations)),
            all_registrations: RateLimiter::direct(an_hour(rate.all_registrations)),
            calls: AtomicU32::new(0),
        }
    }

    /// Counts a call without a key. An IPv6 network of 64 bits is one caller: it is what a
    /// connection has.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Exceeded> {
        self.forget();
        self.addresses.check_key(&caller(address)).map_err(exceeded)
    }

    /// Counts a registration: without a key, somebody makes the host keep 100 KiB for a week.
    pub(crate) fn registration(&self, address: IpAddr) -> Result<(), Exceeded> {
        // The address first: one that calls too often does not use up what all have together.
        self.registrations
            .check_key(&caller(address))
            .map_err(exceeded)?;
        self.all_registrations.check().map_err(exceeded)
    }

    /// Counts a call with a key.
    pub(crate) fn key(&self, id: &str) -> Result<(), Exceeded> {
        self.forget();
        self.keys.check_key(&id.to_owned()).map_err(exceeded)
    }

    fn forget(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) % FORGET == FORGET - 1 {
            self.addresses.retain_recent();
            self.keys.retain_recent();
            self.registrations.retain_recent();
        }
    }
}

fn caller(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn exceeded(
    until: governor::NotUntil<<DefaultClock as governor::clock::Clock>::Instant>,
) -> Exceeded {
    let wait = until.wait_time_from(DefaultClock::default().now());
    Exceeded {
        seconds: wait.as_secs() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_have_their_own_limits() {
        let rates = Rates::new(Rate {
            address: 2,
            key: 3,
            ..Rate::default()
        });
        let address = |text: &str| rates.address(text.parse().unwrap()).is_ok();
        assert!(address("192.0.2.1") && address("192.0.2.1"));
        assert!(!address("192.0.2.1"));
        assert!(address("192.0.2.2"));
        // One connection's network.
        assert!(address("2001:db8::1") && address("2001:db8::2"));
        assert!(!address("2001:db8::3"));
        assert!(address("2001:db8:0:1::1"));
        assert!((0..3).all(|_| rates.key("a").is_ok()) && rates.key("b").is_ok());
        let exceeded = rates.key("a").unwrap_err();
        assert!((1..=61).contains(&exceeded.seconds), "{exceeded:?}");
    }
    #[test]
    fn registrations_are_limited_for_each_address_and_for_all() {
        let rates = Rates::new(Rate {
            registrations: 2,
            all_registrations: 3,
            ..Rate::default()
        });
        let register = |text: &str| rates.registration(text.parse().unwrap());
        assert!(register("192.0.2.1").is_ok() && register("192.0.2.1").is_ok());
        // Two more of the same address use nothing up.
        assert!(register("192.0.2.1").is_err() && register("192.0.2.1").is_err());
        assert!(register("2001:db8::1").is_ok());
        let exceeded = register("192.0.2.3").unwrap_err();
        assert!((60..=3601).contains(&exceeded.seconds), "{exceeded:?}");
    }
}
