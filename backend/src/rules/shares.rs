//! What becomes of a job's links, which are in the order they were made.

use domain::{Share, ShareId, WallTime};

use super::Ruling::{self, Keep, Write};
use crate::AddedShare;

/// With [`Ruling::Write`] the list was changed: store it. Those past their time make room.
pub fn add(shares: &mut Vec<Share>, share: &Share, now: WallTime) -> Ruling<AddedShare> {
    // Ids are random, so the same link is the very same call, repeated.
    if shares.contains(share) {
        return Keep(AddedShare::Done);
    }
    let mut living = living(shares.clone(), now);
    if living.len() >= Share::MOST {
        return Keep(AddedShare::Full);
    }
    living.push(share.clone());
    *shares = living;
    Write(AddedShare::Done)
}

/// True: it was there.
pub fn revoke(shares: &mut Vec<Share>, id: ShareId, now: WallTime) -> Ruling<bool> {
    let was_live = shares.iter().any(|share| share.id == id && share.is_live(now));
    if !was_live {
        return Keep(false);
    }
    shares.retain(|share| share.id != id);
    Write(true)
}

pub fn living(mut shares: Vec<Share>, now: WallTime) -> Vec<Share> {
    shares.retain(|share| share.is_live(now));
    shares
}
