//! Where a sign-in comes from: addresses, countries, the compliant network.

use std::{collections::HashMap, net::IpAddr};

use fixedbitset::FixedBitSet;
use ipnet::IpNet;

use super::NetworkCondition;
use crate::{
    Environment, Truth,
    environment::LocationKind,
    identity::fold,
    policy::Locations,
    sign_in::{Given, SignIn},
};

/// Place of the token `All`.
pub(crate) const EVERYWHERE: u32 = 0;
/// Place of the token `AllTrusted`.
const TRUSTED: u32 = 1;
/// Place of every address range that the tenant named, whether a policy uses it or not.
const NAMED: u32 = 2;

/// The places that policies name, each of which an address and a country hit or miss.
#[derive(Debug)]
pub(crate) struct Network {
    places: Vec<Place>,
    /// Any address may be trusted: named locations were not read.
    trusted_open: bool,
    by_id: HashMap<String, u32>,
    pub(crate) cells: Cells,
}

#[derive(Debug)]
pub(crate) enum Place {
    Everywhere,
    Trusted,
    Named,
    Ip,
    Country {
        codes: Vec<String>,
        include_unknown: bool,
        by_gps: bool,
    },
    CompliantNetwork,
    Dangling,
}

impl Network {
    /// Makes the places of the locations that `mentioned` names ready.
    pub(crate) fn new<'a>(
        environment: &Environment,
        mentioned: impl Iterator<Item = &'a Locations>,
    ) -> Self {
        let mut places = vec![Place::Everywhere, Place::Trusted, Place::Named];
        let mut by_id = HashMap::from([
            ("all".to_owned(), EVERYWHERE),
            ("alltrusted".to_owned(), TRUSTED),
        ]);
        let mut ranges: Vec<(IpNet, u32)> = environment
            .mfa_trusted_ips
            .iter()
            .map(|range| (*range, TRUSTED))
            .collect();
        for location in &environment.locations {
            if let LocationKind::Ip {
                trusted,
                ranges: own,
            } = &location.kind
            {
                ranges.extend(own.iter().map(|range| (*range, NAMED)));
                if *trusted {
                    ranges.extend(own.iter().map(|range| (*range, TRUSTED)));
                }
            }
        }
        for id in mentioned.flat_map(|locations| locations.include.iter().chain(&locations.exclude))
        {
            let id = fold(id);
            if by_id.contains_key(&id) {
                continue;
            }
            // Both numbers stay far below the limit of 195 locations in a tenant.
            let index = u32::try_from(places.len()).unwrap_or(u32::MAX);
            let location = environment.locations.iter().find(|l| fold(&l.id) == id);
            places.push(match location.map(|location| &location.kind) {
                Some(LocationKind::Ip { ranges: own, .. }) => {
                    ranges.extend(own.iter().map(|range| (*range, index)));
                    Place::Ip
                }
                Some(LocationKind::Country {
                    codes,
                    include_unknown,
                    by_gps,
                }) => Place::Country {
                    codes: codes
                        .iter()
                        .map(|code| code.trim().to_uppercase())
                        .collect(),
                    include_unknown: *include_unknown,
                    by_gps: *by_gps,
                },
                Some(LocationKind::CompliantNetwork) => Place::CompliantNetwork,
                Some(LocationKind::Unknown(_)) | None => Place::Dangling,
            });
            by_id.insert(id, index);
        }
        let cells = Cells::new(&ranges, places.len());
        Self {
            places,
            trusted_open: environment.any_may_be_trusted(),
            by_id,
            cells,
        }
    }

    pub(crate) fn condition(&self, locations: &Locations) -> NetworkCondition {
        let side = |ids: &[String]| {
            ids.iter()
                .filter_map(|id| self.by_id.get(&fold(id)).copied())
                .collect()
        };
        NetworkCondition {
            include: side(&locations.include),
            exclude: side(&locations.exclude),
        }
    }

    /// Which places a sign-in hits.
    pub(crate) fn hits(&self, sign_in: &SignIn) -> Vec<Truth> {
        let cell = sign_in.ip.map(|ip| self.cells.of(ip));
        self.hits_of(
            cell,
            &match &sign_in.country {
                Given::Missing => Given::Missing,
                Given::Nothing => Given::Nothing,
                Given::Value(code) => Given::Value(code.as_str()),
            },
            sign_in.gps_country.as_deref(),
            sign_in.compliant_network,
        )
    }

    /// As [`Self::hits`], from an address cell.
    pub(crate) fn hits_of(
        &self,
        cell: Option<usize>,
        country: &Given<&str>,
        gps: Option<&str>,
        compliant: Option<bool>,
    ) -> Vec<Truth> {
        let in_range = |place: usize| {
            cell.map_or(Truth::Unknown, |cell| {
                self.cells.classes[cell].contains(place).into()
            })
        };
        self.places
            .iter()
            .enumerate()
            .map(|(index, place)| match place {
                Place::Everywhere => Truth::Yes,
                Place::Trusted if self.trusted_open => in_range(index).or(Truth::Unknown),
                Place::Trusted | Place::Named | Place::Ip => in_range(index),
                Place::Country {
                    codes,
                    by_gps: true,
                    ..
                } => gps.map_or(Truth::Unknown, |code| holds(codes, code).into()),
                Place::Country {
                    codes,
                    include_unknown,
                    ..
                } => match country {
                    Given::Missing => Truth::Unknown,
                    Given::Nothing => (*include_unknown).into(),
                    Given::Value(code) => holds(codes, code).into(),
                },
                Place::CompliantNetwork => compliant.map_or(Truth::Unknown, Truth::from),
                Place::Dangling => Truth::Unknown,
            })
            .collect()
    }
}

fn holds(codes: &[String], code: &str) -> bool {
    let code = code.trim();
    codes.iter().any(|own| own.eq_ignore_ascii_case(code))
}

/// The address space cut at the borders of all ranges: addresses of one class lie in the same places.
#[derive(Debug)]
pub(crate) struct Cells {
    v4: Vec<(u128, usize)>,
    v6: Vec<(u128, usize)>,
    /// Places of each class.
    pub(crate) classes: Vec<FixedBitSet>,
    /// The first address of each class.
    pub(crate) first: Vec<IpAddr>,
}

impl Cells {
    fn new(ranges: &[(IpNet, u32)], places: usize) -> Self {
        let mut cells = Self {
            v4: Vec::new(),
            v6: Vec::new(),
            classes: Vec::new(),
            first: Vec::new(),
        };
        let mut known = HashMap::new();
        let (v4, v6): (Vec<_>, Vec<_>) = ranges
            .iter()
            .partition(|(range, _)| matches!(range, IpNet::V4(_)));
        cells.v4 = cells.cut(&v4, places, &mut known, |n| {
            // Borders of IPv4 ranges are at most 2^32 - 1; the one behind the last range is not kept.
            IpAddr::V4(u32::try_from(n).unwrap_or(u32::MAX).into())
        });
        cells.v6 = cells.cut(&v6, places, &mut known, |n| IpAddr::V6(n.into()));
        cells.prefer_plain_addresses();
        cells
    }

    fn cut(
        &mut self,
        ranges: &[(IpNet, u32)],
        places: usize,
        known: &mut HashMap<FixedBitSet, usize>,
        address: impl Fn(u128) -> IpAddr,
    ) -> Vec<(u128, usize)> {
        let mut borders: Vec<(u128, u32, bool)> = Vec::with_capacity(ranges.len() * 2);
        for (range, place) in ranges {
            let (first, last, max) = match range {
                IpNet::V4(range) => (
                    u128::from(u32::from(range.network())),
                    u128::from(u32::from(range.broadcast())),
                    u128::from(u32::MAX),
                ),
                IpNet::V6(range) => (
                    u128::from(range.network()),
                    u128::from(range.broadcast()),
                    u128::MAX,
                ),
            };
            borders.push((first, *place, true));
            if last < max {
                borders.push((last + 1, *place, false));
            }
        }
        borders.sort_unstable();
        let mut open = vec![0u32; places];
        let mut here = FixedBitSet::with_capacity(places);
        let mut cut = Vec::new();
        let mut at = 0;
        let mut borders = borders.into_iter().peekable();
        loop {
            while let Some((_, place, opens)) = borders.next_if(|(border, ..)| *border == at) {
                let place = place as usize;
                open[place] = if opens {
                    open[place] + 1
                } else {
                    open[place].saturating_sub(1)
                };
                here.set(place, open[place] > 0);
            }
            let class = *known.entry(here.clone()).or_insert_with(|| {
                self.classes.push(here.clone());
                self.first.push(address(at));
                self.classes.len() - 1
            });
            cut.push((at, class));
            match borders.peek() {
                Some((border, ..)) => at = *border,
                None => return cut,
            }
        }
    }

    /// Takes an address that a person would write for a class whose first one nobody has.
    fn prefer_plain_addresses(&mut self) {
        for plain in [
            [203, 0, 113, 10],
            [198, 51, 100, 10],
            [192, 0, 2, 10],
            [8, 8, 4, 4],
            [100, 0, 0, 1],
        ] {
            let plain = IpAddr::from(plain);
            let class = self.of(plain);
            if self.first[class] == IpAddr::from([0, 0, 0, 0]) {
                self.first[class] = plain;
            }
        }
    }

    /// The class of an address.
    pub(crate) fn of(&self, ip: IpAddr) -> usize {
        let (cut, at) = match ip.to_canonical() {
            IpAddr::V4(ip) => (&self.v4, u128::from(u32::from(ip))),
            IpAddr::V6(ip) => (&self.v6, u128::from(ip)),
        };
        // The first border is 0, so there is always one at or below.
        let index = cut
            .partition_point(|(border, _)| *border <= at)
            .saturating_sub(1);
        cut[index].1
    }
}

/// Countries that stand for *any other country*: the first that no location names is taken.
const OTHER_COUNTRIES: [&str; 12] = [
    "BR", "NZ", "IS", "UY", "BW", "FJ", "NP", "GH", "PY", "MU", "LA", "BZ",
];

impl Network {
    /// One country for each combination of country locations that a country can be in: a country that none
    /// names first, then the named ones, then no country at all.
    pub(crate) fn country_classes(&self, by_gps: bool) -> Vec<Option<String>> {
        let named: Vec<&Vec<String>> = self
            .places
            .iter()
            .filter_map(|place| match place {
                Place::Country {
                    codes, by_gps: own, ..
                } if *own == by_gps => Some(codes),
                _ => None,
            })
            .collect();
        let mut codes: Vec<&String> = named.iter().flat_map(|codes| codes.iter()).collect();
        codes.sort_unstable();
        codes.dedup();
        let mut seen = std::collections::HashSet::new();
        let mut classes: Vec<Option<String>> = OTHER_COUNTRIES
            .iter()
            .find(|code| !codes.iter().any(|own| own == *code))
            // A code that ISO 3166 leaves to its users, should a tenant name all of them.
            .or(Some(&"ZZ"))
            .map(|code| Some((*code).to_owned()))
            .into_iter()
            .collect();
        seen.insert(vec![false; named.len()]);
        for code in codes {
            let membership: Vec<bool> = named.iter().map(|own| own.contains(code)).collect();
            if seen.insert(membership) {
                classes.push(Some(code.clone()));
            }
        }
        classes.push(None);
        classes
    }

    /// Whether a condition asks for the place by GPS.
    pub(crate) fn asks_gps(&self, condition: &NetworkCondition) -> bool {
        condition
            .include
            .iter()
            .chain(&condition.exclude)
            .any(|place| {
                matches!(
                    self.places.get(*place as usize),
                    Some(Place::Country { by_gps: true, .. })
                )
            })
    }

    /// Whether addresses of a cell lie in a range that the tenant named or trusts.
    pub(crate) fn is_named(&self, cell: usize) -> bool {
        [NAMED, TRUSTED]
            .iter()
            .any(|place| self.cells.classes[cell].contains(*place as usize))
    }

    pub(crate) fn uses_gps(&self) -> bool {
        self.places
            .iter()
            .any(|place| matches!(place, Place::Country { by_gps: true, .. }))
    }

    pub(crate) fn uses_compliant(&self) -> bool {
        self.places
            .iter()
            .any(|place| matches!(place, Place::CompliantNetwork))
    }
}
