//! Whether all jobs come to an end once nothing breaks any more.

use super::scene::Scene;
use super::{Work, World, start_id};
use crate::queue::core::Op;

impl Scene {
    /// A job is stuck that neither ends nor asks for a decision, although deaths are reported,
    /// enclaves work and time passes.
    pub(super) fn is_stuck(&self, world: &World) -> bool {
        let mut world = world.clone();
        for start in std::mem::take(&mut world.unreported) {
            world.run(&Op::StartEnded(start_id(start)), self.without);
        }
        for slot in 0..world.enclaves.len() {
            if !world.enclaves[slot].is_alive {
                world.restart(slot);
            }
        }
        // A start that a host took for dead gets no jobs: in the end it is replaced.
        for round in 0..12 {
            if world.db.jobs.values().all(|job| !job.state.is_unfinished()) {
                return false;
            }
            for slot in 0..world.enclaves.len() {
                if round == 6 && self.budget.false_reports > 0 {
                    world.restart(slot);
                }
                self.work(&mut world, slot);
            }
            world.now += 1_000_000;
        }
        true
    }

    fn work(&self, world: &mut World, slot: usize) {
        self.offer(world, slot, false);
        let sessions: Vec<String> = world.enclaves[slot].works.keys().cloned().collect();
        for session in sessions {
            if world.enclaves[slot].works[&session] == Work::New {
                self.begin(world, slot, &session, false);
            }
            if world.enclaves[slot].works[&session] == Work::Mailed {
                world.enclaves[slot]
                    .works
                    .insert(session.clone(), Work::Ready(0));
            }
            self.deliver(world, slot, &session, false);
        }
    }
}
