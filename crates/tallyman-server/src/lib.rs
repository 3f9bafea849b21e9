//! The HTTP side: API actions, the agent endpoint and health.
