#include "url.hpp"

#include "json_text.hpp"
#include "project_file.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

int hex_digit(char c) {
    const std::size_t place =
        std::string_view("0123456789abcdef").find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    return place == std::string_view::npos ? -1 : static_cast<int>(place);
}

} // namespace

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string shown(const std::string &text) {
    constexpr std::size_t most = 80;
    if (text.size() <= most) {
        return text;
    }
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end; // not within a character
    }
    return text.substr(0, end) + "…";
}

std::string percent_encoded(const std::string &text, std::string_view plain) {
    constexpr const char *digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 128 && std::isalnum(byte) != 0) || plain.find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            encoded += {'%', digits[byte / 16], digits[byte % 16]};
        }
    }
    return encoded;
}

std::string percent_decoded(const std::string &text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool escape =
            text[at] == '%' && at + 2 < text.size() && hex_digit(text[at + 1]) >= 0 && hex_digit(text[at + 2]) >= 0;
        decoded += escape ? static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2])) : text[at];
        at += escape ? 2 : 0;
    }
    return decoded;
}

std::string scheme_of(const std::string &url) {
    const std::size_t end = url.find_first_of(":/?#");
    return end == std::string::npos || end < 2 || url[end] != ':' ? "" : lower(url.substr(0, end));
}

bool is_path_of_windows(const std::string &name) {
    const std::size_t drive = name.empty() || name[0] != '/' ? 0 : 1; // file:///C:/ leaves a leading slash
    const bool has_drive = name.size() >= drive + 3 && std::isalpha(static_cast<unsigned char>(name[drive])) != 0 &&
                           name[drive + 1] == ':' && (name[drive + 2] == '\\' || name[drive + 2] == '/');
    return has_drive || name.compare(0, 2, "\\\\") == 0;
}

std::string why_not_here(const std::string &url) {
    const std::size_t path = scheme_of(url) == "file" ? url.find_first_not_of('/', 5) : 0;
    const bool is_of_windows = path < url.size() && is_path_of_windows(percent_decoded(url.substr(path)));
    return (is_of_windows ? "its media has a Windows path: " : "its media is not a file on this computer: ") + shown(url);
}

std::string file_name_of(const std::string &name) {
    const std::string scheme = scheme_of(name);
    const std::string plain = scheme.empty()     ? name
                              : scheme == "file" ? percent_decoded(name.substr(5))
                                                 : percent_decoded(name.substr(0, name.find_first_of("?#")));
    const std::size_t path = plain.find_first_not_of('/');
    const bool is_of_windows =
        is_path_of_windows(plain) || (path != std::string::npos && is_path_of_windows(plain.substr(path)));
    const std::size_t last = plain.find_last_of(is_of_windows ? "/\\" : "/");
    return last == std::string::npos ? plain : plain.substr(last + 1);
}

Naming naming_of(const std::string &url) {
    return !scheme_of(url).empty() ? Naming::url : url[0] == '/' ? Naming::absolute : Naming::relative;
}

std::optional<std::string> local_part(const std::string &url) {
    std::string path = url.substr(std::min<std::size_t>(5, url.size()));
    if (path.compare(0, 2, "//") != 0) {
        return path;
    }
    const std::size_t root = std::min(path.find('/', 2), path.size());
    const std::string host = lower(percent_decoded(path.substr(2, root - 2)));
    return host.empty() || host == "localhost" ? std::optional(path.substr(root)) : std::nullopt;
}

std::string path_of(const std::string &url, const std::string &folder, bool is_encoded) {
    const std::string scheme = scheme_of(url);
    if (url.empty() || (!scheme.empty() && scheme != "file")) {
        return "";
    }
    const auto is_there = [&](const std::string &path) {
        std::error_code error;
        return path.find('\0') == std::string::npos && fs::exists(ProjectFile::absolute(path, folder), error);
    };
    std::string path = url;
    if (scheme == "file") {
        path = percent_decoded(local_part(url).value_or(""));
    } else {
        // These are URLs according to the format, but many programs write plain paths: the existing
        // file decides.
        const std::string decoded = percent_decoded(url);
        path = is_encoded ? (is_there(decoded) ? decoded : url) : url;
        path = is_there(path) ? path : decoded;
    }
    if (path.empty() || path.find('\0') != std::string::npos) {
        return "";
    }
    // With two slashes in front, it is a share in the network: \\server\share\film.mp4.
    const bool is_share = scheme == "file" && path.compare(0, 2, "//") == 0;
    return (is_path_of_windows(path) || is_share) && !is_there(path) ? "" : ProjectFile::absolute(path, folder);
}

namespace {

std::string name_of(const std::string &path, const std::string &folder, Naming naming, bool is_encoded) {
    constexpr std::string_view plain = "/-._~";
    const fs::path relative = fs::path(path).lexically_relative(folder);
    const bool is_text = is_utf8(path);
    if (is_text && naming == Naming::relative && !relative.empty() && *relative.begin() != "..") {
        return is_encoded ? percent_encoded(relative.string(), plain) : relative.string();
    }
    const std::string encoded = percent_encoded(path, plain);
    return is_text && naming == Naming::absolute && (!is_encoded || encoded == path) ? path : "file://" + encoded;
}

} // namespace

std::string url_of(const std::string &path, const std::string &folder, Naming naming) {
    return name_of(path, folder, naming, true);
}

std::string plain_name_of(const std::string &path, const std::string &folder, Naming naming) {
    return name_of(path, folder, naming, false);
}

Looks looks_of(const std::string &path) {
    static const std::set<std::string> sounds{".wav",  ".wave", ".aif", ".aiff", ".aac", ".m4a", ".mka", ".mp3", ".flac",
                                              ".ogg",  ".oga",  ".opus", ".wma", ".ac3", ".mid", ".midi"};
    static const std::set<std::string> stills{".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".exr", ".dpx",
                                              ".tga", ".psd", ".svg",  ".webp", ".hdr"};
    static const std::set<std::string> projects{".mlt", ".kdenlive", ".xml", ".otio", ".xges"};
    const std::string suffix = lower(fs::path(path).extension().string());
    return sounds.count(suffix) > 0     ? Looks::like_sound
           : stills.count(suffix) > 0   ? Looks::like_still
           : projects.count(suffix) > 0 ? Looks::like_project
                                        : Looks::like_video;
}

} // namespace kinescore::bridge
