//! One model, checked against the manifest and ready to run.

use super::agreement;
use super::manifest::{Dim, Entry, Manifest, TensorInfo};
use super::provider::{Provider, tidy};
use super::runtime::Runtime;
use super::tensor::{Outputs, Tensor, element_type};
use crate::error::{Error, Result};
use crate::settings::Device;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{Outlet, ValueType};
use std::path::{Path, PathBuf};

/// Options of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The device it runs on.
    pub device: Device,
    /// Number of CPU threads for one run, at least 1. The result does not depend on it.
    pub threads: usize,
}

/// A loaded model.
#[derive(Debug)]
pub struct Session {
    path: PathBuf,
    inputs: Vec<TensorInfo>,
    session: ort::session::Session,
    provider: Provider,
    /// Where it comes from, if it does not run on the CPU, on which it goes on if that fails.
    source: Option<Source>,
}

/// What a session is opened with.
#[derive(Debug, Clone)]
struct Source {
    runtime: Runtime,
    manifest: Manifest,
    name: String,
    threads: usize,
}

impl Session {
    /// Loads the model with the name `name` in the manifest.
    ///
    /// It runs on the execution provider for the device ([`Runtime::provider`]). On a graphics card
    /// it is compared with the CPU first, once per process, with inputs that are always the same; if
    /// its outputs differ, or it cannot be loaded there, it stays on the CPU, with a warning.
    ///
    /// # Errors
    /// [`Error::ModelMissing`], [`Error::ModelHash`]; [`Error::ModelShape`] when a tensor differs
    /// from the manifest; [`Error::Inference`] when ONNX Runtime cannot load the model;
    /// [`Error::DeviceUnavailable`] if a graphics card is requested and cannot be used;
    /// [`Error::Manifest`] when there is no such entry.
    pub fn open(runtime: &Runtime, manifest: &Manifest, name: &str, options: Options) -> Result<Self> {
        let provider = runtime.provider(options.device)?;
        let source = Source::new(runtime, manifest, name, options.threads);
        if provider == Provider::Cpu {
            return source.open_on(provider);
        }
        let (doubt, is_new) = source.doubt(provider)?;
        let Some(reason) = doubt else {
            return source.open_on(provider);
        };
        if is_new {
            let provider = provider.name();
            log::warn!("{name} runs on the CPU, since {provider} cannot be trusted with it: {reason}");
        }
        source.open_on(Provider::Cpu)
    }

    /// The model's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs the model. Every input must be given once, in any order. If a graphics card fails, the
    /// model runs on the CPU from then on, and so does every model that is opened later; a warning
    /// says so once.
    ///
    /// # Errors
    /// [`Error::Inference`] for an input that is missing, unknown or of the wrong type or shape.
    pub fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Outputs> {
        let refuse = |reason| failed(&self.path, reason);
        for (index, (name, tensor)) in inputs.iter().enumerate() {
            let Some(info) = self.inputs.iter().find(|i| i.name == *name) else {
                let known: Vec<_> = self.inputs.iter().map(|i| i.name.as_str()).collect();
                return Err(refuse(format!("no input '{name}'; it has {}", known.join(", "))));
            };
            if tensor.element() != Some(info.element) {
                return Err(refuse(format!("input '{name}' must be {}", info.element)));
            }
            if inputs[..index].iter().any(|(other, _)| other == name) {
                return Err(refuse(format!("input '{name}' given twice")));
            }
        }
        if let Some(missing) = self.inputs.iter().find(|i| !inputs.iter().any(|(n, _)| *n == i.name)) {
            return Err(refuse(format!("input '{}' not given", missing.name)));
        }
        let reason = match self.infer(inputs) {
            Ok(outputs) => return Ok(outputs),
            Err(reason) => reason,
        };
        let Some(source) = self.source.take() else {
            return Err(failed(&self.path, reason));
        };
        let card = self.provider;
        *self = source.open_on(Provider::Cpu)?;
        let outputs = self.infer(inputs).map_err(|reason| failed(&self.path, reason))?;
        if source.runtime.fail(card, &reason) {
            log::warn!("{} has failed, so the CPU is used from now on: {reason}", card.name());
        }
        Ok(outputs)
    }

    fn infer(&mut self, inputs: &[(&str, &Tensor)]) -> std::result::Result<Outputs, String> {
        let values = inputs
            .iter()
            .map(|(name, tensor)| Ok((*name, tensor.as_input()?)))
            .collect::<ort::Result<Vec<_>>>()
            .map_err(reported)?;
        let outputs = self.session.run(values).map_err(reported)?;
        let values = outputs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Ok(Outputs::new(&self.path, values))
    }
}

/// Why a graphics card does not compute a model as the CPU does, or cannot load it; `None` if it
/// does. Such a model runs on the CPU.
///
/// # Errors
/// [`Error::Manifest`] when there is no such model.
pub fn doubt(runtime: &Runtime, manifest: &Manifest, name: &str, provider: Provider) -> Result<Option<String>> {
    let (doubt, _) = Source::new(runtime, manifest, name, 1).doubt(provider)?;
    Ok(doubt)
}

impl Source {
    fn new(runtime: &Runtime, manifest: &Manifest, name: &str, threads: usize) -> Self {
        Self {
            runtime: *runtime,
            manifest: manifest.clone(),
            name: name.to_owned(),
            threads,
        }
    }

    /// As [`doubt`], and whether it was not known before.
    fn doubt(&self, provider: Provider) -> Result<(Option<String>, bool)> {
        let entry = self.manifest.entry(&self.name)?;
        let check = || {
            self.check(provider, entry)
                .unwrap_or_else(|error| Some(error.to_string()))
        };
        Ok(self.runtime.doubt(provider, &entry.sha256, check))
    }

    fn open_on(&self, provider: Provider) -> Result<Session> {
        let path = self.manifest.file(&self.name)?;
        let content = self.manifest.load(&self.name)?;
        let session = build(&self.runtime, self.threads, provider)
            .and_then(|mut builder| builder.commit_from_memory(&content).map_err(reported))
            .map_err(|reason| failed(&path, reason))?;
        let entry = self.manifest.entry(&self.name)?;
        check(&path, entry, session.inputs(), session.outputs())?;
        Ok(Session {
            path,
            inputs: entry.inputs.clone(),
            session,
            provider,
            source: (provider != Provider::Cpu).then(|| self.clone()),
        })
    }

    /// Why a graphics card does not compute the model as the CPU does; `None` if it does.
    ///
    /// # Errors
    /// Those of opening and running it, on either.
    fn check(&self, provider: Provider, entry: &Entry) -> Result<Option<String>> {
        let sample = agreement::sample(entry);
        let inputs: Vec<_> = sample.iter().map(|(name, tensor)| (*name, tensor)).collect();
        let run = |provider| {
            let mut session = self.open_on(provider)?;
            session.infer(&inputs).map_err(|reason| failed(&session.path, reason))
        };
        agreement::difference(entry, &run(Provider::Cpu)?, &run(provider)?)
    }
}

fn failed(path: &Path, reason: String) -> Error {
    Error::Inference {
        path: path.to_owned(),
        reason,
    }
}

fn reported<R>(error: ort::Error<R>) -> String {
    tidy(error.message())
}

fn build(runtime: &Runtime, threads: usize, provider: Provider) -> std::result::Result<SessionBuilder, String> {
    let mut builder = runtime
        .builder()
        .map_err(reported)?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(reported)?
        .with_intra_threads(threads.max(1))
        .map_err(reported)?
        .with_inter_threads(1)
        .map_err(reported)?
        // Threads that spin while waiting take cores away from decoding, and from the host.
        .with_intra_op_spinning(false)
        .map_err(reported)?;
    provider.register(&mut builder)?;
    Ok(builder)
}

fn check(path: &Path, entry: &Entry, inputs: &[Outlet], outputs: &[Outlet]) -> Result<()> {
    let refuse = |tensor: &str, expected: String, found: String| Error::ModelShape {
        path: path.to_owned(),
        tensor: tensor.to_owned(),
        expected,
        found,
    };
    for (kind, expected, found) in [("input", &entry.inputs, inputs), ("output", &entry.outputs, outputs)] {
        for info in expected {
            let outlet = found
                .iter()
                .find(|outlet| outlet.name() == info.name)
                .ok_or_else(|| refuse(&info.name, format!("an {kind} {info}"), "not there".to_owned()))?;
            if !agrees(info, outlet.dtype()) {
                return Err(refuse(&info.name, info.to_string(), describe(outlet.dtype())));
            }
        }
        if let Some(outlet) = found
            .iter()
            .find(|o| !expected.iter().any(|info| info.name == o.name()))
        {
            let found = format!("an {kind} {}", describe(outlet.dtype()));
            return Err(refuse(outlet.name(), "not to be there".to_owned(), found));
        }
    }
    Ok(())
}

fn agrees(info: &TensorInfo, found: &ValueType) -> bool {
    let ValueType::Tensor { ty, shape, .. } = found else {
        return false;
    };
    element_type(*ty) == Some(info.element)
        && info.shape.len() == shape.len()
        && info
            .shape
            .iter()
            .zip(shape.iter())
            .all(|(expected, found)| match expected {
                Dim::Fixed(length) => i64::from(*length) == *found,
                Dim::Free(_) => *found < 0,
            })
}

fn describe(found: &ValueType) -> String {
    match found {
        ValueType::Tensor { ty, shape, .. } => {
            let element = element_type(*ty).map_or_else(|| ty.to_string(), |e| e.to_string());
            let dims: Vec<_> = shape
                .iter()
                .map(|d| if *d < 0 { "free".to_owned() } else { d.to_string() })
                .collect();
            format!("{element} [{}]", dims.join(", "))
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;
    use sha2::{Digest, Sha256};

    const CPU: Options = Options {
        device: Device::Cpu,
        threads: 1,
    };

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    fn runtime() -> Runtime {
        Runtime::load(None, &[root().join(".setup/onnxruntime")]).unwrap()
    }

    fn models() -> Manifest {
        Manifest::read(&root().join("models")).unwrap()
    }

    /// A folder with one of the real models, `change`d, and the manifest's entry for it, with the
    /// hash of the change.
    fn altered(change: impl FnOnce(&mut Vec<u8>), edit: impl FnOnce(String) -> String) -> tempfile::TempDir {
        let mut content = std::fs::read(root().join("models/movenet_multipose_w8.onnx")).unwrap();
        change(&mut content);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("m.onnx"), &content).unwrap();
        let sha256: String = Sha256::digest(&content).iter().map(|b| format!("{b:02x}")).collect();
        let text = format!(
            "[m]\nfile = 'm.onnx'\nsha256 = '{sha256}'\nbytes = 1\nlicence = 'MIT'\norigin = 'test'\n\
             inputs = [{{ name = 'image', type = 'u8', shape = [1, 'h', 'w', 3] }}]\n\
             outputs = [{{ name = 'people', type = 'f32', shape = [1, 6, 56] }}]\n"
        );
        std::fs::write(folder.path().join("manifest.toml"), edit(text)).unwrap();
        folder
    }

    fn open_altered(folder: &tempfile::TempDir) -> Result<Session> {
        Session::open(&runtime(), &Manifest::read(folder.path())?, "m", CPU)
    }

    #[test]
    fn a_library_that_is_not_there_is_an_error_and_a_second_load_the_same_library() {
        let runtime = runtime();
        assert!(runtime.version().starts_with("1."), "{}", runtime.version());
        assert!(runtime.path().is_absolute());
        assert!(runtime.providers().contains(&"CPUExecutionProvider"));
        let again = Runtime::load(Some(Path::new("/nowhere")), &[]).unwrap();
        assert_eq!(again.path(), runtime.path());
    }

    #[test]
    fn every_model_of_the_manifest_opens() {
        let (runtime, manifest) = (runtime(), models());
        for (name, entry) in manifest.entries().filter(|(_, entry)| !entry.inputs.is_empty()) {
            let session = Session::open(&runtime, &manifest, name, CPU).unwrap_or_else(|e| panic!("{name}: {e}"));
            let length = std::fs::metadata(session.path()).unwrap().len();
            assert_eq!(length, entry.bytes, "{name}");
        }
    }

    #[test]
    fn a_run_gives_the_same_bits_with_one_and_two_threads_and_kept_tensors_are_fed_back() {
        let (runtime, manifest) = (runtime(), models());
        let picture: Vec<u8> = (0..96 * 64 * 3).map(|i| ((i * 7919) % 251) as u8).collect();
        let image = Tensor::U8(ArrayD::from_shape_vec(vec![1, 96, 64, 3], picture).unwrap());
        let run = |threads| {
            let options = Options { threads, ..CPU };
            let mut session = Session::open(&runtime, &manifest, "movenet_multipose", options).unwrap();
            let outputs = session.run(&[("image", &image)]).unwrap();
            outputs
                .f32("people")
                .unwrap()
                .iter()
                .map(|v| v.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_eq!(run(1), run(2));

        let mut session = Session::open(&runtime, &manifest, "blazepose_full", CPU).unwrap();
        let image = Tensor::F32(ArrayD::from_elem(vec![1, 256, 256, 3], 0.5));
        let mut outputs = session.run(&[("image", &image)]).unwrap();
        assert_eq!(outputs.f32("landmarks").unwrap().shape(), [1, 195]);
        let kept = outputs.take("score").unwrap();
        assert_eq!(kept.element(), Some(crate::model::manifest::TensorType::F32));
        assert!(outputs.take("score").is_err(), "taken twice");
        let refused = session.run(&[("image", &kept)]).unwrap_err().to_string();
        assert!(refused.contains("rank") || refused.contains("dimension"), "{refused}");
    }

    #[test]
    fn an_array_in_another_memory_order_is_the_same_array() {
        let mut session = Session::open(&runtime(), &models(), "movenet_multipose", CPU).unwrap();
        let straight = ArrayD::from_shape_fn(vec![1, 64, 64, 3], |i| ((i[1] * 31 + i[2] * 17 + i[3] * 5) % 256) as u8);
        let turned = straight.t().as_standard_layout().into_owned().reversed_axes();
        assert!(!turned.is_standard_layout() && turned == straight);
        let mut run = |image| {
            let outputs = session.run(&[("image", &Tensor::U8(image))]).unwrap();
            outputs.f32("people").unwrap().into_owned()
        };
        assert_eq!(run(straight), run(turned));
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let mut session = Session::open(&runtime(), &models(), "movenet_multipose", CPU).unwrap();
        let image = Tensor::U8(ArrayD::zeros(vec![1, 32, 32, 3]));
        let floats = Tensor::F32(ArrayD::zeros(vec![1, 32, 32, 3]));
        let flat = Tensor::U8(ArrayD::zeros(vec![32, 32]));
        for (inputs, reported) in [
            (vec![("picture", &image)], "no input 'picture'; it has image"),
            (vec![("image\0", &image)], "no input"),
            (vec![], "input 'image' not given"),
            (vec![("image", &image), ("image", &image)], "given twice"),
            (vec![("image", &floats)], "must be u8"),
            (vec![("image", &flat)], "Rank"),
        ] {
            let error = session.run(&inputs).unwrap_err();
            assert!(matches!(error, Error::Inference { .. }));
            assert!(
                error.to_string().to_lowercase().contains(&reported.to_lowercase()),
                "{error}"
            );
        }
        let outputs = session.run(&[("image", &image)]).unwrap();
        assert!(outputs.f32("person").is_err());
    }

    #[test]
    fn a_broken_model_is_refused() {
        let sound = altered(|_| (), |text| text);
        open_altered(&sound).unwrap();
        std::fs::write(sound.path().join("m.onnx"), "damaged").unwrap();
        assert!(matches!(open_altered(&sound), Err(Error::ModelHash { .. })));
        std::fs::remove_file(sound.path().join("m.onnx")).unwrap();
        assert!(matches!(open_altered(&sound), Err(Error::ModelMissing { .. })));

        let garbage = altered(|content| content[..200].fill(0xff), |text| text);
        assert!(matches!(open_altered(&garbage), Err(Error::Inference { .. })));
        let cut = altered(|content| content.truncate(content.len() / 2), |text| text);
        assert!(matches!(open_altered(&cut), Err(Error::Inference { .. })));
        let empty = altered(Vec::clear, |text| text);
        assert!(matches!(open_altered(&empty), Err(Error::Inference { .. })));

        for (from, to, wrong) in [
            ("[1, 6, 56]", "[1, 6, 57]", "people"),
            ("[1, 6, 56]", "[1, 'people', 56]", "people"),
            ("[1, 6, 56]", "[6, 56]", "people"),
            ("'f32'", "'i64'", "people"),
            ("'image'", "'picture'", "picture"),
            ("'h', 'w'", "256, 'w'", "image"),
            ("outputs = [", "outputs = [] #", "people"),
        ] {
            let error = open_altered(&altered(|_| (), |text| text.replace(from, to))).unwrap_err();
            let Error::ModelShape { tensor, .. } = &error else {
                panic!("{from} → {to}: {error}");
            };
            assert_eq!(tensor, wrong, "{error}");
        }
    }

    #[test]
    fn the_sample_of_every_model_can_be_run_and_agrees_with_itself() {
        let (runtime, manifest) = (runtime(), models());
        for (name, entry) in manifest.entries().filter(|(_, entry)| !entry.inputs.is_empty()) {
            let source = Source::new(&runtime, &manifest, name, 1);
            let doubt = source
                .check(Provider::Cpu, entry)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(doubt, None, "{name}");
        }
    }

    #[test]
    fn outputs_that_differ_are_found() {
        let (runtime, manifest) = (runtime(), models());
        let entry = manifest.entry("blazepose_full").unwrap();
        let mut session = Session::open(&runtime, &manifest, "blazepose_full", CPU).unwrap();
        let mut run = |change: f32| {
            let image = ArrayD::from_shape_fn(vec![1, 256, 256, 3], |i| (i[1] % 16) as f32 / 16.0 + change);
            session.run(&[("image", &Tensor::F32(image))]).unwrap()
        };
        let (plain, same, other, none) = (run(0.0), run(0.0), run(0.2), run(f32::NAN));
        assert_eq!(agreement::difference(entry, &plain, &same).unwrap(), None);
        for far in [other, none] {
            let reason = agreement::difference(entry, &plain, &far)
                .unwrap()
                .expect("a difference");
            assert!(
                reason.contains("differs by") && reason.contains("allowed is"),
                "{reason}"
            );
        }
    }

    #[test]
    fn a_card_that_fails_in_a_run_is_replaced_by_the_cpu() {
        // On the "card" is a model that fails for this picture: it has another size.
        let (runtime, manifest) = (runtime(), models());
        let mut session = Session::open(&runtime, &manifest, "movenet_multipose", CPU).unwrap();
        let broken = Session::open(&runtime, &manifest, "blazepose_full", CPU).unwrap();
        session.session = broken.session;
        session.source = Some(Source::new(&runtime, &manifest, "movenet_multipose", 1));
        let image = Tensor::U8(ArrayD::zeros(vec![1, 64, 64, 3]));
        let outputs = session.run(&[("image", &image)]).unwrap();
        assert_eq!(outputs.f32("people").unwrap().shape(), [1, 6, 56]);
        assert_eq!(session.provider, Provider::Cpu);
        assert!(session.source.is_none());
    }
}
