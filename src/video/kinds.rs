//! Recognises files that are not videos by their first bytes, so that the message names the kind of
//! file, not where FFmpeg failed.

/// Number of bytes at the start of a file that are examined.
pub(super) const HEAD: usize = 4096;

/// FFmpeg's names of the formats that are opened. None of them leads to another file: a list of
/// media (concat, HLS, DASH) would be read as if it were its entries, and cached results would not
/// reflect changes to them. Sound, subtitles, text and still pictures are included so that the
/// message can name them.
pub(super) const FORMATS: &[&str] = &[
    // Video, with or without sound.
    "mov",
    "matroska",
    "webm",
    "avi",
    "mpegts",
    "mpeg",
    "mpegvideo",
    "flv",
    "live_flv",
    "asf",
    "asf_o",
    "ogg",
    "gif",
    "apng",
    "mxf",
    "gxf",
    "lxf",
    "nut",
    "nuv",
    "nsv",
    "rm",
    "ivf",
    "ivr",
    "dv",
    "wtv",
    "swf",
    "vc1",
    "vc1test",
    "h261",
    "h263",
    "h264",
    "hevc",
    "vvc",
    "m4v",
    "av1",
    "obu",
    "evc",
    "dirac",
    "dnxhd",
    "cavsvideo",
    "avs",
    "avs2",
    "avs3",
    "mjpeg",
    "mjpeg_2000",
    "mpjpeg",
    "smjpeg",
    "yuv4mpegpipe",
    "amv",
    "mtv",
    "mv",
    "mvi",
    "mm",
    "mods",
    "moflex",
    "mgsts",
    "pmp",
    "pva",
    "r3d",
    "rl2",
    "roq",
    "rpl",
    "smk",
    "bink",
    "flic",
    "film_cpk",
    "filmstrip",
    "4xm",
    "bethsoftvid",
    "bfi",
    "bmv",
    "c93",
    "cdxl",
    "cine",
    "dhav",
    "dsicin",
    "dxa",
    "ea",
    "ea_cdata",
    "gdv",
    "hnm",
    "idcin",
    "ifv",
    "ipmovie",
    "ipu",
    "iv8",
    "jv",
    "kux",
    "lmlm4",
    "lvf",
    "mlv",
    "nc",
    "paf",
    "psxstr",
    "sdr2",
    "sga",
    "tiertexseq",
    "tmv",
    "ty",
    "vivo",
    "vividas",
    "vmd",
    "wc3movie",
    "wsvqa",
    "xmv",
    "yop",
    "frm",
    "ser",
    "thp",
    "siff",
    // Sound.
    "wav",
    "w64",
    "mp3",
    "aac",
    "flac",
    "aiff",
    "caf",
    "au",
    "amr",
    "amrnb",
    "amrwb",
    "ac3",
    "eac3",
    "dts",
    "dtshd",
    "truehd",
    "mlp",
    "ape",
    "wv",
    "tta",
    "tak",
    "mpc",
    "mpc8",
    "voc",
    "oma",
    "loas",
    "aax",
    "aa",
    "ast",
    "sox",
    "spdif",
    "shn",
    "dsf",
    "iff",
    "rso",
    // Subtitles and text.
    "srt",
    "webvtt",
    "ass",
    "sami",
    "microdvd",
    "mpl2",
    "mpsub",
    "jacosub",
    "subviewer",
    "subviewer1",
    "vplayer",
    "tedcaptions",
    "realtext",
    "stl",
    "scc",
    "lrc",
    "pjs",
    "aqtitle",
    "sup",
    "tty",
    "bin",
    "xbin",
    "adf",
    "idf",
    // Still pictures that are read from the file itself.
    "bmp_pipe",
    "cri_pipe",
    "dds_pipe",
    "dpx_pipe",
    "exr_pipe",
    "gem_pipe",
    "gif_pipe",
    "hdr_pipe",
    "j2k_pipe",
    "jpeg_pipe",
    "jpegls_pipe",
    "jpegxl_pipe",
    "pam_pipe",
    "pbm_pipe",
    "pcx_pipe",
    "pfm_pipe",
    "pgm_pipe",
    "pgmyuv_pipe",
    "pgx_pipe",
    "phm_pipe",
    "photocd_pipe",
    "pictor_pipe",
    "png_pipe",
    "ppm_pipe",
    "psd_pipe",
    "qdraw_pipe",
    "qoi_pipe",
    "sgi_pipe",
    "sunrast_pipe",
    "svg_pipe",
    "tiff_pipe",
    "vbn_pipe",
    "webp_pipe",
    "xbm_pipe",
    "xpm_pipe",
    "xwd_pipe",
];

/// Whether a format holds a single still picture.
pub(super) fn is_still(format: &str) -> bool {
    format
        .split(',')
        .any(|name| name.starts_with("image2") || name.ends_with("_pipe"))
}

/// Whether a format is text that FFmpeg renders as pictures of characters.
pub(super) fn is_text(format: &str) -> bool {
    ["tty", "bin", "xbin", "adf", "idf"].contains(&format)
}

/// The kind of a file that starts with `head`, if it is one that people mistake for a video.
pub(super) fn what_it_is(head: &[u8]) -> Option<&'static str> {
    let text = || {
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        text.trim_ascii_start()
    };
    if text().starts_with(b"version https://git-lfs.github.com/spec/") {
        return Some("it is a Git LFS pointer, not the video itself; `git lfs pull` fetches the video");
    }
    if is_list(text()) {
        return Some("it is a list of media files, not a video; give the video that it names");
    }
    if is_animated_webp(head) {
        return Some("it is an animated WebP picture, which FFmpeg cannot decode; convert it to a video first");
    }
    is_still_picture(head).then_some("it is a still picture")
}

/// Playlists and scripts: M3U and HLS, ffconcat, DASH, PLS, SMIL, XSPF, ASX, SDP.
fn is_list(text: &[u8]) -> bool {
    let starts = |with: &str| {
        text.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    let names = |word: &[u8]| text.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    let is_markup = starts("<?xml") || starts("<");
    [
        "#EXTM3U",
        "ffconcat",
        "[playlist]",
        "[reference]",
        "v=0\n",
        "v=0\r",
        "<smil",
        "<asx",
    ]
    .into_iter()
    .any(starts)
        || is_markup
            && [&b"<MPD"[..], b"<playlist", b"<smil", b"<SmoothStreamingMedia"]
                .into_iter()
                .any(names)
        || is_concat_script(text)
}

/// A script of FFmpeg's concat demuxer without its first line: each line begins with one of its
/// words, `file` among them.
fn is_concat_script(text: &[u8]) -> bool {
    let Some(text) = std::str::from_utf8(text).ok().or_else(|| {
        // The head may end within a character.
        let valid = std::str::from_utf8(text).err()?.valid_up_to();
        std::str::from_utf8(text.get(..valid)?)
            .ok()
            .filter(|_| text.len() - valid < 4)
    }) else {
        return false;
    };
    const WORDS: &[&str] = &[
        "file",
        "duration",
        "inpoint",
        "outpoint",
        "stream",
        "exact_stream_id",
        "option",
    ];
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|first| {
        let (word, rest) = first.split_once([' ', '\t']).unwrap_or((first, ""));
        word == "file" && !rest.trim().is_empty()
    }) && lines.all(|line| {
        let word = line.split([' ', '\t']).next().unwrap_or_default();
        WORDS.iter().any(|known| word.starts_with(known)) || !text.ends_with('\n') && text.ends_with(line)
    })
}

/// A RIFF file of WebP whose extended header has the flag for animation.
fn is_animated_webp(head: &[u8]) -> bool {
    const ANIMATION: u8 = 2;
    head.get(..4) == Some(b"RIFF")
        && head.get(8..16) == Some(b"WEBPVP8X")
        && head.get(20).is_some_and(|flags| flags & ANIMATION != 0)
}

/// By signature; a PNG with an animation chunk is not still. JPEG is left to FFmpeg, which
/// distinguishes a picture from a stream of them.
fn is_still_picture(head: &[u8]) -> bool {
    let is_png = head.starts_with(b"\x89PNG\r\n\x1a\n") && !head.windows(4).any(|w| w == b"acTL");
    let is_webp = head.get(..4) == Some(b"RIFF") && head.get(8..12) == Some(b"WEBP") && !is_animated_webp(head);
    // The size of a bitmap's header, so that text that begins with BM is not taken for one.
    let is_bmp = head.starts_with(b"BM") && head.get(14..18).is_some_and(|s| s[0] >= 12 && s[1..] == [0, 0, 0]);
    let is_tiff = head.starts_with(b"II*\0") || head.starts_with(b"MM\0*");
    is_png || is_webp || is_bmp || is_tiff || head.starts_with(b"8BPS") || head.starts_with(b"\xff\x0a")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_people_mistake_for_videos_are_named() {
        let webp = |flags: u8| [&b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0"[..], &[flags, 0, 0, 0]].concat();
        for (head, said) in [
            (
                &b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"[..],
                "Git LFS",
            ),
            (b"#EXTM3U\n#EXTINF:4,\na.ts\n", "list"),
            (b"\xef\xbb\xbf#extm3u\na.ts\n", "list"),
            (b"ffconcat version 1.0\nfile a.mp4\n", "list"),
            (b"# by hand\nfile 'a.mp4'\nduration 2\nfile b.mp4\n", "list"),
            (
                b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">",
                "list",
            ),
            (b"[playlist]\nFile1=a.mp4\n", "list"),
            (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "list"),
            (&webp(0x12), "animated WebP"),
            (&webp(0x10), "still"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "still"),
        ] {
            let what = what_it_is(head);
            assert!(what.is_some_and(|w| w.contains(said)), "{said}: {what:?}");
        }
    }

    #[test]
    fn other_files_are_left_to_ffmpeg() {
        for head in [
            &b""[..],
            b"file",
            b"file under misc\nand then words\n",
            b"Dear diary,\n",
            b"\x1a\x45\xdf\xa3",
            b"\0\0\0\x20ftypisom",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08acTL",
            b"BM of the year\n\n\n\n\n\n",
            b"RIFF\x10\0\0\0AVI LIST",
            b"<html><body>not found</body></html>",
        ] {
            assert_eq!(what_it_is(head), None, "{head:?}");
        }
    }

    #[test]
    fn no_allowed_format_leads_to_other_files() {
        for list in [
            "concat",
            "hls",
            "applehttp",
            "dash",
            "image2",
            "image2pipe",
            "sdp",
            "rtsp",
            "rtp",
            "webm_dash_manifest",
            "vobsub",
            "imf",
            "tee",
            "lavfi",
            "avisynth",
            "ffmetadata",
        ] {
            assert!(!FORMATS.contains(&list), "{list}");
        }
    }
}
