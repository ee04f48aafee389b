//! A small writer of SVG 1.1. Text is drawn as outlines of the bundled fonts, so that a picture
//! looks the same on every machine.

use crate::error::{Error, Result};
use std::fmt::Write;
use std::path::Path;
use ttf_parser::{Face, OutlineBuilder};

/// The letters: Inter under the SIL Open Font License (see `font/OFL.txt`).
const REGULAR: &[u8] = include_bytes!("font/Inter-Regular-subset.otf");
const SEMI_BOLD: &[u8] = include_bytes!("font/Inter-SemiBold-subset.otf");

/// Weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    SemiBold,
}

/// The anchor point of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The style of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style<'a> {
    pub size: f64,
    pub weight: Weight,
    pub anchor: Anchor,
    pub colour: &'a str,
}

/// A picture being drawn.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
    regular: Option<Face<'static>>,
    semi_bold: Option<Face<'static>>,
}

/// A number with at most two decimals; NaN and infinities are drawn at 0.
fn n(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Not allowed in XML 1.0, not even as a reference.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

impl Svg {
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
            regular: Face::parse(REGULAR, 0).ok(),
            semi_bold: Face::parse(SEMI_BOLD, 0).ok(),
        }
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(element);
        self.body.push('\n');
    }

    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), radius: f64, fill: &str, opacity: f64) {
        self.push(format_args!(
            r#"<rect x="{}" y="{}" width="{}" height="{}" rx="{}" fill="{fill}" fill-opacity="{}"/>"#,
            n(x),
            n(y),
            n(width),
            n(height),
            n(radius),
            n(opacity)
        ));
    }

    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: &str, width: f64, opacity: f64) {
        self.push(format_args!(
            r#"<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{stroke}" stroke-width="{}" stroke-opacity="{}" stroke-linecap="round"/>"#,
            n(x1),
            n(y1),
            n(x2),
            n(y2),
            n(width),
            n(opacity)
        ));
    }

    pub fn circle(&mut self, (x, y): (f64, f64), radius: f64, fill: &str, opacity: f64) {
        self.push(format_args!(
            r#"<circle cx="{}" cy="{}" r="{}" fill="{fill}" fill-opacity="{}"/>"#,
            n(x),
            n(y),
            n(radius),
            n(opacity)
        ));
    }

    /// A diamond.
    pub fn diamond(&mut self, (x, y): (f64, f64), radius: f64, fill: &str) {
        self.polygon(
            &[(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)],
            fill,
            1.0,
        );
    }

    pub fn polygon(&mut self, points: &[(f64, f64)], fill: &str, opacity: f64) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", n(*x), n(*y))).collect();
        self.push(format_args!(
            r#"<polygon points="{}" fill="{fill}" fill-opacity="{}"/>"#,
            points.join(" "),
            n(opacity)
        ));
    }

    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: &str, width: f64) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", n(*x), n(*y))).collect();
        self.push(format_args!(
            r#"<polyline points="{}" fill="none" stroke="{stroke}" stroke-width="{}" stroke-linejoin="round" stroke-linecap="round"/>"#,
            points.join(" "),
            n(width)
        ));
    }

    fn face(&self, weight: Weight) -> Option<&Face<'static>> {
        match weight {
            Weight::Regular => self.regular.as_ref(),
            Weight::SemiBold => self.semi_bold.as_ref(),
        }
    }

    /// Width of a text in pixels.
    pub fn text_width(&self, text: &str, size: f64, weight: Weight) -> f64 {
        let Some(face) = self.face(weight) else { return 0.0 };
        let units: u32 = glyphs(face, text).map(|(_, advance)| u32::from(advance)).sum();
        f64::from(units) * size / f64::from(face.units_per_em())
    }

    /// Writes a text on a baseline. Letters that the font lacks are drawn as `?`; the label has the
    /// complete text.
    pub fn text(&mut self, (x, y): (f64, f64), text: &str, style: Style<'_>) {
        let width = self.text_width(text, style.size, style.weight);
        let left = match style.anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        let Some(face) = self.face(style.weight) else { return };
        let scale = style.size / f64::from(face.units_per_em());
        let mut outline = Outline {
            path: String::new(),
            x: left,
            y,
            scale,
        };
        for (glyph, advance) in glyphs(face, text) {
            face.outline_glyph(glyph, &mut outline);
            outline.x += f64::from(advance) * scale;
        }
        let path = outline.path;
        self.push(format_args!(
            r#"<path role="img" aria-label="{}" fill="{}" d="{path}"/>"#,
            escaped(text),
            style.colour
        ));
    }

    /// The whole document.
    pub fn finish(self, title: &str) -> String {
        let (width, height) = (n(self.width), n(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
             <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            escaped(title),
            self.body
        )
    }
}

fn glyphs<'a>(face: &'a Face<'static>, text: &'a str) -> impl Iterator<Item = (ttf_parser::GlyphId, u16)> + 'a {
    text.chars().filter_map(|c| {
        let glyph = face.glyph_index(c).or_else(|| face.glyph_index('?'))?;
        Some((glyph, face.glyph_hor_advance(glyph).unwrap_or(0)))
    })
}

/// Outlines of letters as path data; the vertical axis of fonts points up, that of pictures down.
struct Outline {
    path: String,
    x: f64,
    y: f64,
    scale: f64,
}

impl Outline {
    fn point(&self, x: f32, y: f32) -> String {
        format!(
            "{} {}",
            n(self.x + f64::from(x) * self.scale),
            n(self.y - f64::from(y) * self.scale)
        )
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let to = self.point(x, y);
        let _ = write!(self.path, "M{to}");
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.point(x, y);
        let _ = write!(self.path, "L{to}");
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (by, to) = (self.point(x1, y1), self.point(x, y));
        let _ = write!(self.path, "Q{by} {to}");
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (by, and, to) = (self.point(x1, y1), self.point(x2, y2), self.point(x, y));
        let _ = write!(self.path, "C{by} {and} {to}");
    }

    fn close(&mut self) {
        self.path.push('Z');
    }
}

/// Renders a document of [`Svg`] as PNG.
pub(super) fn png(document: &str, scale: f32, path: &Path) -> Result<Vec<u8>> {
    let refuse = |reason: String| Error::output(path)(std::io::Error::other(reason));
    let tree = resvg::usvg::Tree::from_str(document, &resvg::usvg::Options::default())
        .map_err(|e| refuse(format!("the picture cannot be drawn: {e}")))?;
    let size = tree.size();
    let pixels = |length: f32| (length * scale).ceil() as u32;
    let mut canvas = resvg::tiny_skia::Pixmap::new(pixels(size.width()), pixels(size.height()))
        .ok_or_else(|| refuse("the picture is too large".to_owned()))?;
    let transform = resvg::tiny_skia::Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut canvas.as_mut());
    canvas.encode_png().map_err(|e| refuse(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_always_numbers() {
        assert_eq!(n(1.0), "1");
        assert_eq!(n(-0.001), "0");
        assert_eq!(n(2.346), "2.35");
        assert_eq!(n(100.0), "100");
        assert_eq!(n(f64::NAN), "0");
    }

    #[test]
    fn any_text_gives_a_document_that_can_be_read() {
        let mut svg = Svg::new(200.0, 50.0);
        let style = Style {
            size: 14.0,
            weight: Weight::Regular,
            anchor: Anchor::Middle,
            colour: "#000000",
        };
        svg.text((100.0, 30.0), "a<b> & \"c\" \u{7} 日本", style);
        let document = svg.finish("x & <y>");
        assert!(document.contains("a&lt;b&gt; &amp; &quot;c&quot;   日本"));
        let png = png(&document, 1.0, Path::new("a.png")).expect("drawn");
        assert_eq!(&png[1..4], b"PNG");
    }

    #[test]
    fn texts_are_as_wide_as_their_letters() {
        let svg = Svg::new(10.0, 10.0);
        let narrow = svg.text_width("iii", 20.0, Weight::Regular);
        let wide = svg.text_width("WWW", 20.0, Weight::Regular);
        assert!(narrow > 5.0 && wide > 2.0 * narrow, "{narrow} {wide}");
        assert!(svg.text_width("WWW", 20.0, Weight::SemiBold) > wide);
    }
}
