//! The agent's round: ask which layers are missing, analyse those, bring them, report.

use std::collections::BTreeSet;
use std::sync::Arc;

use tallyman_model::digest::Digest;
use tallyman_model::host::{HostFacts, ServerUuid};
use tallyman_model::limits::Limits;
use tallyman_source::error::SourceError;

use super::collect::{HostImage, Opener};
use super::protocol::{
    FIND_MISSING_LAYERS, MissingLayersAnswer, MissingLayersRequest, PUT_LAYER, PutLayerRequest,
    REPORT_SERVER, ReportAnswer, ReportRequest, ReportedImage,
};
use crate::analysis::{
    AnalysisError, AnalysisProgress, ImageBudget, ReadLayer, analyze_layers, analyzer_fingerprint,
    chain,
};
use crate::api_client::{ApiClient, ClientError};

/// Why a round did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The server could not be reached, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An image could not be opened this time; nothing was reported.
    #[error("failed to {}", chain(.0))]
    Source(SourceError),
    /// A layer could not be read this time; nothing was reported.
    #[error("failed to {}", chain(.0))]
    Layer(AnalysisError),
    /// The server asks for layers that were brought.
    #[error("the server still misses {0} layers that were brought to it; try again")]
    NotTaken(usize),
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundOutcome {
    /// The images that the server now has of this host.
    pub images: usize,
    /// The layers that were analysed.
    pub analyzed_layers: usize,
    /// The images that could not be analysed.
    pub failed_images: usize,
}

/// Who reports.
#[derive(Clone, Debug)]
pub struct AgentIdentity {
    /// The host's UUID.
    pub server_uuid: ServerUuid,
    /// The host's facts.
    pub facts: HostFacts,
}

/// What a round is done with.
pub struct Round<'a> {
    /// The server.
    pub client: &'a ApiClient,
    /// The host's images are opened with this.
    pub opener: &'a Opener,
    /// The limits on outside data.
    pub limits: &'a Limits,
    /// Told of each image that has to be read.
    pub progress: &'a (dyn Fn(&str, Arc<AnalysisProgress>) + Sync),
}

impl Round<'_> {
    /// Reports a host once; `None` for images that could not be listed.
    ///
    /// # Errors
    ///
    /// Any [`AgentError`]: then the server knows what it knew before, and the layers that were
    /// brought need not be brought again.
    pub async fn run(
        &self,
        identity: AgentIdentity,
        images: Option<Vec<HostImage>>,
    ) -> Result<RoundOutcome, AgentError> {
        let mut outcome = RoundOutcome::default();
        let reported = match images {
            Some(images) => {
                let mut reported = Vec::with_capacity(images.len());
                for image in images {
                    let image = self.bring(&identity.server_uuid, &image, &mut outcome).await?;
                    outcome.failed_images += usize::from(image.failure.is_some());
                    reported.push(image);
                }
                Some(reported)
            }
            None => None,
        };
        let request = ReportRequest {
            server_uuid: identity.server_uuid,
            facts: identity.facts,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            fingerprint: analyzer_fingerprint(self.limits),
            images: reported,
        };
        match self.client.post(REPORT_SERVER, &request).await? {
            ReportAnswer::Stored { images } => {
                outcome.images = images;
                Ok(outcome)
            }
            ReportAnswer::LayersMissing { missing } => Err(AgentError::NotTaken(missing.len())),
        }
    }

    /// Analyses the layers of an image that the server misses, and brings each as soon as it is
    /// read. An image that is broken is reported as such.
    async fn bring(
        &self,
        uuid: &ServerUuid,
        image: &HostImage,
        outcome: &mut RoundOutcome,
    ) -> Result<ReportedImage, AgentError> {
        if let Some(remembered) = self.opener.recall(image).await
            && self.find_missing(uuid, &remembered).await?.is_empty()
        {
            return Ok(remembered);
        }
        let opened = self.opener.open(image).await.map_err(AgentError::Source)?;
        let mut reported = opened.reported;
        let Some(open) = opened.open else { return Ok(reported) };
        let missing = self.find_missing(uuid, &reported).await?;
        let wanted: Vec<usize> = missing
            .iter()
            .filter_map(|digest| {
                reported.image.layers.iter().position(|layer| layer.digest == *digest)
            })
            .collect();
        let bytes = Arc::new(AnalysisProgress::default());
        if !wanted.is_empty() {
            (self.progress)(&reported.image.name, Arc::clone(&bytes));
        }
        let budget = ImageBudget::new(self.limits);
        let mut results = match analyze_layers(open, &wanted, budget, bytes) {
            Ok(results) => results,
            Err(error) => {
                reported.failure = Some(chain(&error));
                return Ok(reported);
            }
        };
        while let Some(result) = results.recv().await {
            match result {
                Ok(layer) => {
                    self.put_layer(uuid, layer).await?;
                    outcome.analyzed_layers += 1;
                }
                Err(error) if error.is_transient() => return Err(AgentError::Layer(error)),
                Err(error) => {
                    reported.failure = Some(chain(&error));
                    return Ok(reported);
                }
            }
        }
        Ok(reported)
    }

    async fn find_missing(
        &self,
        uuid: &ServerUuid,
        image: &ReportedImage,
    ) -> Result<Vec<Digest>, ClientError> {
        let digests: BTreeSet<&Digest> =
            image.image.layers.iter().map(|layer| &layer.digest).collect();
        let request = MissingLayersRequest {
            server_uuid: uuid.clone(),
            fingerprint: analyzer_fingerprint(self.limits),
            digests: digests.into_iter().cloned().collect(),
        };
        let answer: MissingLayersAnswer = self.client.post(FIND_MISSING_LAYERS, &request).await?;
        Ok(answer.missing)
    }

    async fn put_layer(&self, uuid: &ServerUuid, layer: ReadLayer) -> Result<(), ClientError> {
        let request = PutLayerRequest {
            server_uuid: uuid.clone(),
            fingerprint: analyzer_fingerprint(self.limits),
            digest: layer.key,
            inventory: layer.inventory,
        };
        let _: serde_json::Value = self.client.post(PUT_LAYER, &request).await?;
        Ok(())
    }
}
