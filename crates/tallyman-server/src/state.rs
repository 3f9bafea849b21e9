//! What all requests share.

use std::sync::Arc;

use tallyman_engine::installation::Installation;

use crate::gateway::Gateway;

/// The parts that a request is answered with.
pub(crate) struct AppState {
    /// Checks who is calling, and runs actions.
    pub(crate) gateway: Gateway,
    /// The installation that answers.
    pub(crate) installation: Arc<Installation>,
}
