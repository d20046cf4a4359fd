//! Media in an S3 bucket, one object for each job, under `media/<job id>`.
//!
//! Players and the engine read files; so [`locate`](MediaStore::locate) fetches the object into a folder of copies
//! first, once for each machine.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::config::{ProvideCredentials, SharedCredentialsProvider};
use bytes::Bytes;
use domain::{JobId, WallTime};
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::{
    ClientOptions, CredentialProvider, GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutPayload, RetryConfig,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::cache::Cache;
use super::config::Settings;
use super::{CONNECT_TIMEOUT, TRIES};
use crate::{BackendError, MediaLocation, MediaStore, MediaWriter, Result};

/// Bytes gathered before they go to S3, which takes 10,000 parts of at least 5 MiB: files up to 80 GB.
const PART_BYTES: usize = 8 << 20;

/// Bytes fetched at once.
const FETCH_BYTES: u64 = 16 << 20;

/// Objects that are listed for a sample, at a thousand a request.
const LOOKED_AT: usize = 5_000;

/// For one part.
const PART_TIMEOUT: Duration = Duration::from_secs(120);

pub struct S3Media {
    bucket: Arc<AmazonS3>,
    cache: Cache,
}

/// The bucket of the settings; no call is made.
pub fn bucket(sdk: &SdkConfig, settings: &Settings, endpoint: Option<&str>) -> Result<AmazonS3> {
    let options = ClientOptions::new()
        .with_allow_http(endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")))
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout(PART_TIMEOUT);
    let retry = RetryConfig {
        max_retries: TRIES as usize - 1,
        retry_timeout: 2 * PART_TIMEOUT,
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new()
        .with_region(&settings.region)
        .with_bucket_name(&settings.bucket)
        .with_client_options(options)
        .with_retry(retry);
    if let Some(provider) = sdk.credentials_provider() {
        builder = builder.with_credentials(Arc::new(SdkCredentials(provider)));
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
    }
    Ok(builder.build()?)
}

impl S3Media {
    /// `data` is the folder that holds the folder of copies.
    pub async fn open(
        sdk: &SdkConfig,
        settings: &Settings,
        endpoint: Option<&str>,
        data: &Path,
    ) -> Result<S3Media> {
        let cache = Cache::open(data.join("media-copies")).await?;
        Ok(S3Media { bucket: Arc::new(bucket(sdk, settings, endpoint)?), cache })
    }

    async fn head(&self, job: JobId) -> Result<Option<ObjectMeta>> {
        match self.bucket.head(&object(job)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Piece by piece, all of the same object, so that no single call takes as long as the media is large.
    async fn fetch(&self, meta: &ObjectMeta, path: &Path) -> Result<()> {
        let mut file = tokio::fs::File::create(path).await?;
        let mut start = 0;
        while start < meta.size {
            let end = (start + FETCH_BYTES).min(meta.size);
            let options = GetOptions {
                range: Some(GetRange::Bounded(start..end)),
                if_match: meta.e_tag.clone(),
                ..GetOptions::default()
            };
            let piece = self.bucket.get_opts(&meta.location, options).await?.bytes().await?;
            file.write_all(&piece).await?;
            start = end;
        }
        file.flush().await?;
        Ok(())
    }

    async fn upload(&self, job: JobId, path: &Path) -> Result<Option<String>> {
        let mut file = tokio::fs::File::open(path).await?;
        if !file.metadata().await?.is_file() {
            return Err(
                io::Error::new(io::ErrorKind::InvalidInput, "only a regular file can be taken over").into()
            );
        }
        let mut writer = S3Writer::new(self.bucket.clone(), job);
        loop {
            let mut part = Vec::new();
            if (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).await? == 0 {
                break;
            }
            writer.write(part.into()).await?;
        }
        writer.complete().await
    }
}

#[async_trait]
impl MediaStore for S3Media {
    async fn write(&self, job: JobId) -> Result<Box<dyn MediaWriter>> {
        Ok(Box::new(S3Writer::new(self.bucket.clone(), job)))
    }

    async fn adopt(&self, job: JobId, path: &Path) -> Result<()> {
        match tokio::fs::try_exists(path).await {
            // The repeat of a call that got through.
            Ok(false) if self.head(job).await?.is_some() => return Ok(()),
            _ => (),
        }
        let e_tag = self.upload(job, path).await?;
        // Whoever adopts a file reads it next: it stays as the copy where that costs nothing.
        let kept = match e_tag {
            Some(e_tag) => fs::rename(path, self.cache.path(job, &e_tag)),
            None => Err(io::ErrorKind::Unsupported.into()),
        };
        if kept.is_err() {
            tokio::fs::remove_file(path).await?;
        }
        Ok(())
    }

    async fn link(&self, from: JobId, to: JobId) -> Result<bool> {
        match self.bucket.copy(&object(from), &object(to)).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn locate(&self, job: JobId) -> Result<Option<MediaLocation>> {
        let Some(meta) = self.head(job).await? else { return Ok(None) };
        let e_tag = meta.e_tag.clone().unwrap_or_default();
        let copy = self.cache.get(job, &e_tag, meta.size, async |path| self.fetch(&meta, path).await).await;
        match copy {
            Ok(path) => Ok(Some(MediaLocation::File(path))),
            Err(error) => {
                // Deleted or replaced while it was fetched: the next try sees what is there then.
                Err(match error {
                    BackendError::Permanent(source)
                        if matches!(
                            source.downcast_ref(),
                            Some(
                                object_store::Error::Precondition { .. }
                                    | object_store::Error::NotFound { .. }
                            )
                        ) =>
                    {
                        BackendError::Transient(source)
                    }
                    error => error,
                })
            }
        }
    }

    async fn sample(&self, age: Duration, limit: usize) -> Result<Vec<JobId>> {
        let folder = object_store::path::Path::from("media");
        let start = object(JobId::from_bits(rand::random()));
        // From somewhere in the middle to the end, and on from the beginning.
        let objects =
            self.bucket.list_with_offset(Some(&folder), &start).chain(self.bucket.list(Some(&folder)));
        let mut objects = pin!(objects.take(LOOKED_AT));
        let mut jobs = Vec::new();
        while jobs.len() < limit
            && let Some(object) = objects.try_next().await?
        {
            let age_ms = WallTime::now().as_millisecond() - object.last_modified.timestamp_millis();
            let is_older = u128::try_from(age_ms).is_ok_and(|found| found >= age.as_millis());
            let job = object.location.filename().and_then(|name| name.parse().ok());
            if let Some(job) = job.filter(|_| is_older) {
                // Somebody who came around to the start has seen them all.
                if jobs.contains(&job) {
                    break;
                }
                jobs.push(job);
            }
        }
        Ok(jobs)
    }

    fn folder(&self) -> &Path {
        self.cache.folder()
    }

    async fn delete(&self, job: JobId) -> Result<()> {
        self.cache.forget(job);
        match self.bucket.delete(&object(job)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Small files go in one call, others in parts.
struct S3Writer {
    bucket: Arc<AmazonS3>,
    object: object_store::path::Path,
    upload: Option<Box<dyn MultipartUpload>>,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    total_bytes: u64,
}

impl S3Writer {
    fn new(bucket: Arc<AmazonS3>, job: JobId) -> S3Writer {
        S3Writer {
            bucket,
            object: object(job),
            upload: None,
            gathered: Vec::new(),
            gathered_bytes: 0,
            total_bytes: 0,
        }
    }

    fn take_gathered(&mut self) -> PutPayload {
        self.gathered_bytes = 0;
        self.gathered.drain(..).collect()
    }

    async fn put_gathered(&mut self) -> Result<()> {
        if self.upload.is_none() {
            self.upload = Some(self.bucket.put_multipart(&self.object).await?);
        }
        let payload = self.take_gathered();
        let upload = self.upload.as_mut().expect("it was made above");
        Ok(upload.put_part(payload).await?)
    }

    /// The entity tag of what was stored.
    async fn complete(mut self) -> Result<Option<String>> {
        let payload = self.take_gathered();
        let Some(mut upload) = self.upload.take() else {
            return Ok(self.bucket.put(&self.object, payload).await?.e_tag);
        };
        let completed = async {
            if payload.content_length() > 0 {
                upload.put_part(payload).await?;
            }
            upload.complete().await
        };
        match completed.await {
            Ok(result) => Ok(result.e_tag),
            Err(error) => {
                self.upload = Some(upload);
                Err(error.into())
            }
        }
    }
}

#[async_trait]
impl MediaWriter for S3Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.total_bytes += bytes.len() as u64;
        self.gathered_bytes += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_bytes >= PART_BYTES {
            self.put_gathered().await?;
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<u64> {
        let total_bytes = self.total_bytes;
        self.complete().await?;
        Ok(total_bytes)
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        match self.upload.take() {
            Some(mut upload) => Ok(upload.abort().await?),
            None => Ok(()),
        }
    }
}

impl Drop for S3Writer {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        // What is missed here, the bucket's own rule for unfinished uploads removes.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = upload.abort().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "an unfinished upload was not removed");
            }
        });
    }
}

fn object(job: JobId) -> object_store::path::Path {
    object_store::path::Path::from(format!("media/{job}"))
}

/// The SDK's credentials for the bucket too: one chain, one place to configure.
#[derive(Debug)]
struct SdkCredentials(SharedCredentialsProvider);

#[async_trait]
impl CredentialProvider for SdkCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let failed = |source| object_store::Error::Generic { store: "S3", source: Box::new(source) };
        let credentials = self.0.provide_credentials().await.map_err(failed)?;
        Ok(Arc::new(AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        }))
    }
}
