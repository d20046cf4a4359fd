//! CTranslate2 behind a handful of C functions (`worker/native/ctranslate2.cpp`), loaded while the engine runs, so that
//! the worker builds and starts without it.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::weights::ModelFiles;

#[repr(C)]
struct RawModel {
    _private: [u8; 0],
}

#[repr(C)]
struct RawEncoded {
    _private: [u8; 0],
}

/// What the functions below are of; the library says the same when it is made of the source beside this one.
const VERSION: c_int = 2;

/// The functions of the library, which stays loaded as long as one of them may be called.
struct Functions {
    load: unsafe extern "C" fn(
        *const u8,
        usize,
        *const u8,
        usize,
        *const u8,
        usize,
        usize,
        *mut c_char,
        usize,
    ) -> *mut RawModel,
    free: unsafe extern "C" fn(*mut RawModel),
    encode:
        unsafe extern "C" fn(*mut RawModel, *mut f32, usize, usize, *mut c_char, usize) -> *mut RawEncoded,
    free_encoded: unsafe extern "C" fn(*mut RawEncoded),
    generate: unsafe extern "C" fn(
        *mut RawModel,
        *const RawEncoded,
        *const usize,
        usize,
        usize,
        *mut usize,
        usize,
        *mut usize,
        *mut f32,
        *mut f32,
        *mut c_char,
        usize,
    ) -> c_int,
    align: unsafe extern "C" fn(
        *mut RawModel,
        *const RawEncoded,
        *const usize,
        usize,
        *const usize,
        usize,
        usize,
        *mut i64,
        *mut f32,
        *mut c_char,
        usize,
    ) -> c_int,
    detect_language:
        unsafe extern "C" fn(*mut RawModel, *const RawEncoded, *mut f32, usize, *mut c_char, usize) -> c_int,
    _library: libloading::Library,
}

impl Functions {
    fn load(path: &Path) -> anyhow::Result<Functions> {
        // SAFETY: the library is the one that we build; its initialisers only set up CTranslate2. The types above are
        // those of its source.
        unsafe {
            let library = libloading::Library::new(path)
                .with_context(|| format!("{} cannot be loaded", path.display()))?;
            let version = library.get::<unsafe extern "C" fn() -> c_int>(b"cuelight_ct2_version");
            anyhow::ensure!(
                version.is_ok_and(|version| version() == VERSION),
                "{} belongs to another version of the worker: ./dev engine ctranslate2 makes the right one",
                path.display()
            );
            Ok(Functions {
                load: *library.get(b"cuelight_ct2_load")?,
                free: *library.get(b"cuelight_ct2_free")?,
                encode: *library.get(b"cuelight_ct2_encode")?,
                free_encoded: *library.get(b"cuelight_ct2_free_encoded")?,
                generate: *library.get(b"cuelight_ct2_generate")?,
                align: *library.get(b"cuelight_ct2_align")?,
                detect_language: *library.get(b"cuelight_ct2_detect_language")?,
                _library: library,
            })
        }
    }
}

/// Whether `path` is the library that this worker can use.
pub fn check(path: &Path) -> anyhow::Result<()> {
    Functions::load(path).map(drop)
}

/// Weights in memory, for as many callers at once as it was loaded for.
pub struct Model {
    functions: Functions,
    raw: *mut RawModel,
}

// SAFETY: CTranslate2's pool of replicas takes calls from any thread, and queues them.
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

/// What the encoder made of a stretch of sound.
pub struct Encoded {
    model: Arc<Model>,
    raw: *mut RawEncoded,
}

pub struct Generated {
    /// Time stamps among them.
    pub tokens: Vec<usize>,
    /// Mean of the log probabilities.
    pub score: f32,
    pub no_speech_probability: f32,
}

pub struct Aligned {
    /// Positions of the encoder, 20 ms each; `None` where the model says nothing of it. One more than tokens: the end.
    pub starts: Vec<Option<u64>>,
    pub probabilities: Vec<f32>,
}

/// Where the library leaves its reason.
struct Reason([c_char; 512]);

impl Reason {
    fn new() -> Reason {
        Reason([0; 512])
    }

    fn error(&self) -> anyhow::Error {
        // SAFETY: the library ends what it writes with a zero, and there is one from the beginning.
        let text = unsafe { CStr::from_ptr(self.0.as_ptr()) };
        anyhow::anyhow!("CTranslate2: {}", text.to_string_lossy())
    }
}

impl Model {
    pub fn load(library: &Path, files: &ModelFiles, replicas: usize) -> anyhow::Result<Model> {
        let functions = Functions::load(library)?;
        let ModelFiles { weights, config, vocabulary } = files;
        let mut reason = Reason::new();
        // SAFETY: pointers and lengths are those of buffers that live until the library has read them.
        let raw = unsafe {
            (functions.load)(
                weights.as_ptr(),
                weights.len(),
                config.as_ptr(),
                config.len(),
                vocabulary.as_ptr(),
                vocabulary.len(),
                replicas,
                reason.0.as_mut_ptr(),
                reason.0.len(),
            )
        };
        if raw.is_null() {
            return Err(reason.error());
        }
        Ok(Model { functions, raw })
    }

    /// `features` are `bands` rows of the same length.
    pub fn encode(self: &Arc<Model>, features: &mut [f32], bands: usize) -> anyhow::Result<Encoded> {
        let mut reason = Reason::new();
        // SAFETY: the library reads `bands` rows, which are all there is, before it returns.
        let raw = unsafe {
            let frames = features.len() / bands;
            let features = features.as_mut_ptr();
            (self.functions.encode)(self.raw, features, bands, frames, reason.0.as_mut_ptr(), reason.0.len())
        };
        if raw.is_null() {
            return Err(reason.error());
        }
        Ok(Encoded { model: self.clone(), raw })
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: nobody else has the pointer, and what was encoded holds the model.
        unsafe { (self.functions.free)(self.raw) }
    }
}

impl Drop for Encoded {
    fn drop(&mut self) {
        // SAFETY: nobody else has the pointer.
        unsafe { (self.model.functions.free_encoded)(self.raw) }
    }
}

impl Encoded {
    pub fn generate(&self, prompt: &[usize], beams: usize) -> anyhow::Result<Generated> {
        /// Half of the decoder's positions, as in Whisper itself.
        const MOST: usize = 224;
        let mut tokens = vec![0; MOST];
        let (mut count, mut score, mut no_speech_probability) = (0, 0.0, 0.0);
        let mut reason = Reason::new();
        // SAFETY: the library writes at most `MOST` tokens and the three numbers.
        let failed = unsafe {
            (self.model.functions.generate)(
                self.model.raw,
                self.raw,
                prompt.as_ptr(),
                prompt.len(),
                beams,
                tokens.as_mut_ptr(),
                MOST,
                &raw mut count,
                &raw mut score,
                &raw mut no_speech_probability,
                reason.0.as_mut_ptr(),
                reason.0.len(),
            )
        };
        if failed != 0 {
            return Err(reason.error());
        }
        tokens.truncate(count);
        Ok(Generated { tokens, score, no_speech_probability })
    }

    /// `frames` of the spectrogram hold sound.
    pub fn align(&self, prompt: &[usize], tokens: &[usize], frames: usize) -> anyhow::Result<Aligned> {
        let mut starts = vec![-1i64; tokens.len() + 1];
        let mut probabilities = vec![0.0; tokens.len()];
        let mut reason = Reason::new();
        // SAFETY: the library writes one start more than there are tokens, and as many probabilities.
        let failed = unsafe {
            (self.model.functions.align)(
                self.model.raw,
                self.raw,
                prompt.as_ptr(),
                prompt.len(),
                tokens.as_ptr(),
                tokens.len(),
                frames,
                starts.as_mut_ptr(),
                probabilities.as_mut_ptr(),
                reason.0.as_mut_ptr(),
                reason.0.len(),
            )
        };
        if failed != 0 {
            return Err(reason.error());
        }
        Ok(Aligned {
            starts: starts.into_iter().map(|start| u64::try_from(start).ok()).collect(),
            probabilities,
        })
    }

    /// The probability of each of `languages`.
    pub fn detect_language(&self, languages: usize) -> anyhow::Result<Vec<f32>> {
        let mut probabilities = vec![0.0; languages];
        let mut reason = Reason::new();
        // SAFETY: the library writes as many numbers as it is told there is room for.
        let failed = unsafe {
            let into = probabilities.as_mut_ptr();
            (self.model.functions.detect_language)(
                self.model.raw,
                self.raw,
                into,
                languages,
                reason.0.as_mut_ptr(),
                reason.0.len(),
            )
        };
        if failed != 0 { Err(reason.error()) } else { Ok(probabilities) }
    }
}
