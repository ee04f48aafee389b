/*
 * How projects name files: paths, URLs, and what a name reveals about a file.
 */
#ifndef KINESCORE_BRIDGE_URL_HPP
#define KINESCORE_BRIDGE_URL_HPP

#include <optional>
#include <string>
#include <string_view>

namespace kinescore::bridge {

std::string lower(std::string text);

/// A text of a project for a sentence: no more than its first 80 bytes.
std::string shown(const std::string &text);

/// Writes all bytes except letters, digits and those in `plain` as % and two hexadecimal digits.
std::string percent_encoded(const std::string &text, std::string_view plain = "-._~");

std::string percent_decoded(const std::string &text);

/// The scheme of a URL in lower case; "" for a path. A single letter is a Windows drive.
std::string scheme_of(const std::string &url);

/// Whether a name is that of a file on a Windows computer: "C:\\film.mp4", "C:/film.mp4" or
/// "\\\\server\\film.mp4".
bool is_path_of_windows(const std::string &name);

/// Why media of a name that leads to no file on this computer are not here: the end of a sentence.
std::string why_not_here(const std::string &url);

/// The last part of a path or URL, also of a Windows path.
std::string file_name_of(const std::string &name);

/// How the media of a project are named.
enum class Naming { url, absolute, relative };

Naming naming_of(const std::string &url);

/// The path in a file URL, as it is written there; none if the URL names another computer.
std::optional<std::string> local_part(const std::string &url);

/// The path of a file that a project names by a URL or a path; "" if it is not a file on this
/// computer. `is_encoded`: a name without a scheme is known to be part of a URL, not a plain path.
std::string path_of(const std::string &url, const std::string &folder, bool is_encoded = false);

/// A URL for a file, or a reference relative to the folder: percent-encoded, without exception.
std::string url_of(const std::string &path, const std::string &folder, Naming naming);

/// The same as most programs write it: with plain paths.
std::string plain_name_of(const std::string &path, const std::string &folder, Naming naming);

/// The kind of a file, guessed from its name alone: project formats do not contain it.
enum class Looks {
    like_video,   ///< Or like nothing known.
    like_sound,
    like_still,
    like_project  ///< Of an editor: a nested timeline.
};

Looks looks_of(const std::string &path);

} // namespace kinescore::bridge

#endif
