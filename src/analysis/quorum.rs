//! Whether a group that decides by majority can decide, and how many more members it may lose.
//!
//! A group of *n* voters needs ⌊n/2⌋ + 1 of them (Raft, Paxos; etcd's fault tolerance table). The voters
//! are those that were configured, not those that answer: a group that has lost its majority and is asked
//! about the members it can still see would look healthy.

/// How a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// Members that vote.
    pub voters: u16,
    /// Of those, healthy ones.
    pub healthy: u16,
    /// Healthy ones that are needed to decide anything.
    pub needed: u16,
    /// Whether there is a leader; `None` when nobody was asked or nobody answered.
    pub leader: Option<bool>,
}

impl Quorum {
    /// Of a group of `voters`. More healthy ones than voters are some of them twice, or voters nobody wrote
    /// down; then the smaller number counts, since it promises less.
    pub fn new(voters: u16, healthy: u16, leader: Option<bool>) -> Self {
        let healthy = healthy.min(voters);
        Self { voters, healthy, needed: voters / 2 + 1, leader }
    }

    /// Of a group of `voters` of which so many answers are good and bad. More answers than voters are of the
    /// same members, by several sources or under old and new labels: then each bad one may be another member.
    pub fn seen(voters: u16, good: u16, bad: u16, leader: Option<bool>) -> Self {
        let answers = good.saturating_add(bad);
        if answers <= voters || voters == 0 {
            return Self::new(voters, good, leader);
        }
        let lost = bad.div_ceil(answers.div_ceil(voters));
        Self::new(voters, voters.saturating_sub(lost), leader)
    }

    /// Whether a majority is there.
    pub const fn held(&self) -> bool {
        self.healthy >= self.needed
    }

    /// How many more members may be lost; 0 means the next loss stops it. `None` when it has stopped.
    pub const fn margin(&self) -> Option<u16> {
        self.healthy.checked_sub(self.needed)
    }

    /// Whether it goes on deciding after `lost` more healthy members are taken away.
    pub const fn survives(&self, lost: u16) -> bool {
        match self.margin() {
            Some(margin) => lost <= margin,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_of_fault_tolerance() {
        // etcd documentation: cluster size, majority, failure tolerance.
        let table = [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (7, 4, 3), (9, 5, 4)];
        for (voters, needed, tolerated) in table {
            let whole = Quorum::new(voters, voters, Some(true));
            assert_eq!((whole.needed, whole.margin()), (needed, Some(tolerated)), "{voters}");
        }
    }

    #[test]
    fn a_group_is_judged_by_its_voters_and_not_by_who_answers() {
        let halved = Quorum::new(3, 1, Some(false));
        assert!(!halved.held());
        assert_eq!(halved.margin(), None);
        assert!(!halved.survives(0));
        let one_lost = Quorum::new(3, 2, Some(true));
        assert!(one_lost.held() && one_lost.survives(0) && !one_lost.survives(1));
    }

    #[test]
    fn members_that_are_seen_twice_are_no_more_than_there_are() {
        let twice = Quorum::seen(3, 6, 0, Some(true));
        assert_eq!((twice.healthy, twice.voters, twice.margin()), (3, 3, Some(1)));
        // Two of six do not answer well: one member, twice.
        let one_lost = Quorum::seen(3, 4, 2, Some(true));
        assert_eq!((one_lost.healthy, one_lost.margin()), (2, Some(0)));
        // A pair that differs counts as lost.
        assert_eq!(Quorum::seen(3, 5, 1, None).healthy, 2);
        assert_eq!(
            Quorum::seen(3, 1, 0, None).healthy,
            1,
            "those that do not answer are no voters less"
        );
        assert_eq!(Quorum::seen(0, 2, 1, None).healthy, 0);
    }

    proptest! {
        #[test]
        fn two_majorities_always_share_a_member(voters in 1u16..1000, healthy in 0u16..1000) {
            let group = Quorum::new(voters, healthy, None);
            prop_assert!(u32::from(group.needed) * 2 > u32::from(group.voters));
            prop_assert_eq!(group.held(), group.survives(0));
            prop_assert_eq!(group.survives(1), group.margin().is_some_and(|m| m >= 1));
        }
    }
}
