//! The pose networks: pictures in, decoded tensors out. This module does not know which person is
//! which.

use super::crop::{Region, crop, scale_onto};
use super::finder::{self, Candidate};
use super::landmarks::{self, Body, SIDE};
use super::look::{Look, settle};
use crate::error::{Error, Result};
use crate::model::{Manifest, Options, Runtime, Session, Tensor};
use crate::settings::PoseQuality;
use crate::video::Picture;
use ndarray::{ArrayD, Axis, Ix2, Ix4};

/// The networks that find poses.
#[derive(Debug)]
pub struct PoseModels {
    finder: MultiPose,
    landmarks: Landmarks,
    /// For the second half of several people, so that two cores work at once; loaded when there are
    /// several people.
    more_landmarks: Option<Landmarks>,
    open_landmarks: OpenLandmarks,
}

/// Everything needed to load the landmark network.
#[derive(Debug)]
struct OpenLandmarks {
    runtime: Runtime,
    manifest: Manifest,
    name: &'static str,
    options: Options,
}

impl OpenLandmarks {
    fn open(&self) -> Result<Landmarks> {
        Ok(Landmarks {
            session: Session::open(&self.runtime, &self.manifest, self.name, self.options)?,
            image: Tensor::F32(ArrayD::zeros(vec![1, SIDE, SIDE, 3])),
        })
    }
}

impl PoseModels {
    /// Names in the manifest of the networks for all qualities.
    pub const ALL_FILES: [&str; 3] = ["movenet_multipose", "blazepose_full", "blazepose_heavy"];

    /// Names in the manifest of the networks for `quality`: the one that finds people, and the one
    /// that finds their joints.
    pub fn files(quality: PoseQuality) -> [&'static str; 2] {
        let [finder, full, heavy] = Self::ALL_FILES;
        let landmarks = match quality {
            PoseQuality::Fast | PoseQuality::Normal => full,
            PoseQuality::High => heavy,
        };
        [finder, landmarks]
    }

    /// Loads the networks for `quality`.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn open(runtime: &Runtime, manifest: &Manifest, quality: PoseQuality, options: Options) -> Result<Self> {
        let [finder, name] = Self::files(quality);
        let open_landmarks = OpenLandmarks {
            runtime: *runtime,
            manifest: manifest.clone(),
            name,
            options,
        };
        Ok(Self {
            finder: MultiPose(Session::open(runtime, manifest, finder, options)?),
            landmarks: open_landmarks.open()?,
            more_landmarks: None,
            open_landmarks,
        })
    }
}

impl Look for PoseModels {
    fn find(&mut self, picture: &Picture, side: usize, least: f64) -> Result<Vec<Candidate>> {
        self.finder.find(picture, side, least)
    }

    fn look(&mut self, picture: &Picture, region: Region) -> Result<Option<Body>> {
        self.landmarks.look(picture, region)
    }

    fn settle(&mut self, picture: &Picture, regions: &[Region]) -> Result<Vec<Option<Body>>> {
        if regions.len() < 2 {
            return self.landmarks.settle(picture, regions);
        }
        let more = match &mut self.more_landmarks {
            Some(more) => more,
            none => none.insert(self.open_landmarks.open()?),
        };
        let landmarks = &mut self.landmarks;
        let (here, there) = regions.split_at(regions.len().div_ceil(2));
        let (first, second) = std::thread::scope(|scope| {
            let second = scope.spawn(|| more.settle(picture, there));
            (landmarks.settle(picture, here), second.join())
        });
        let second = second.unwrap_or_else(|_| Err(unexpected(&landmarks.session, "the second thread panicked")));
        let mut bodies = first?;
        bodies.extend(second?);
        Ok(bodies)
    }
}

/// MoveNet MultiPose: everybody in a picture, approximately.
#[derive(Debug)]
struct MultiPose(Session);

impl MultiPose {
    fn find(&mut self, picture: &Picture, side: usize, least: f64) -> Result<Vec<Candidate>> {
        let (scaled, canvas) = finder::input_size(picture.width, picture.height, side);
        let bytes = scale_onto(picture, scaled.0, scaled.1, canvas.0, canvas.1);
        let image = ArrayD::from_shape_vec(vec![1, canvas.1, canvas.0, 3], bytes)
            .map_err(|e| unexpected(&self.0, &e.to_string()))?;
        let outputs = self.0.run(&[("image", &Tensor::U8(image))])?;
        let people = outputs.f32("people")?;
        let people = people
            .index_axis(Axis(0), 0)
            .into_dimensionality::<Ix2>()
            .map_err(|e| unexpected(&self.0, &e.to_string()))?;
        let scale = (
            scaled.0 as f64 / picture.width as f64,
            scaled.1 as f64 / picture.height as f64,
        );
        Ok(finder::decode(people, canvas, scale, least))
    }
}

/// BlazePose: the landmarks of one person in a region.
#[derive(Debug)]
struct Landmarks {
    session: Session,
    /// The crop, filled again for each run.
    image: Tensor,
}

impl Landmarks {
    fn settle(&mut self, picture: &Picture, regions: &[Region]) -> Result<Vec<Option<Body>>> {
        settle(|region| self.look(picture, region), picture, regions)
    }

    fn look(&mut self, picture: &Picture, region: Region) -> Result<Option<Body>> {
        if let Tensor::F32(image) = &mut self.image
            && let Some(pixels) = image.as_slice_mut()
        {
            crop(picture, region, SIDE, pixels);
        }
        let outputs = self.session.run(&[("image", &self.image)])?;
        let refuse = |e: ndarray::ShapeError| unexpected(&self.session, &e.to_string());
        let landmarks = outputs.f32("landmarks")?.into_dimensionality::<Ix2>().map_err(refuse)?;
        let score = outputs.f32("score")?.into_dimensionality::<Ix2>().map_err(refuse)?;
        let heatmap = outputs.f32("heatmap")?.into_dimensionality::<Ix4>().map_err(refuse)?;
        let first = Axis(0);
        if landmarks.is_empty() || score.is_empty() || heatmap.is_empty() {
            return Err(unexpected(&self.session, "empty output"));
        }
        Ok(landmarks::decode(
            landmarks.index_axis(first, 0),
            score[(0, 0)],
            heatmap.index_axis(first, 0),
            region,
        ))
    }
}

fn unexpected(session: &Session, reason: &str) -> Error {
    Error::Inference {
        path: session.path().to_owned(),
        reason: reason.to_owned(),
    }
}
