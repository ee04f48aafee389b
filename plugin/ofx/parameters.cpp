#include "parameters.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>

namespace kinescore::ofx {

namespace {

/// Parameter of one word of a list, or of a word that is allowed in place of a number.
std::string word_name(const SettingRow &row, const std::string &word) { return row.name + "_" + word; }

bool is_number(const SettingRow &row) {
    return row.kind == SettingRow::Kind::number || row.kind == SettingRow::Kind::whole;
}

/// The words that are allowed in place of a number, each of which has a flag; the first whose flag
/// is set counts. "auto" comes last, so that another word counts while "automatic" is still set.
std::vector<std::string> words_for_number(const SettingRow &row) {
    std::vector<std::string> words = row.words;
    if (row.has_auto) {
        words.emplace_back("auto");
    }
    return words;
}

/// The words of choices in the order of the first release. Projects of that release contain only
/// numbers, so these words keep their numbers permanently; words of later releases come after them.
const std::map<std::string, std::vector<std::string>> first_words = {
    {"device", {"auto", "cpu", "cuda"}},
    {"device.networks", {"gaining", "all"}},
    {"pose.quality", {"normal", "high"}},
    {"beats.source", {"auto", "network", "motion"}},
    {"beats.per_bar", {"auto", "3", "4"}},
    {"hits.from_cuts", {"off", "strong", "all"}},
    {"drums.style",
     {"auto", "rock", "latin", "funk", "jazz", "hiphop", "neworleans", "afrobeat", "afrocuban", "dance", "soul",
      "reggae", "country", "blues", "pop", "punk"}},
    {"drums.kit", {"auto", "standard", "room", "power", "electronic", "tr808", "jazz", "brush"}},
    {"music.mood", {"auto", "bright", "dark", "tense", "calm"}},
    {"music.palette",
     {"auto", "rock", "pop", "acoustic", "electronic", "hiphop", "funk", "soul", "jazz", "latin", "orchestral", "ambient"}},
    {"sound.rate", {"44100", "48000", "96000"}},
    {"midi.tempo", {"beats", "steady"}},
    {"midi.drums", {"one-track", "per-drum"}},
    {"provenance", {"on", "off"}},
};

bool is_first(const SettingRow &row, const std::string &word) {
    const auto first = first_words.find(row.key);
    return first != first_words.end() &&
           std::find(first->second.begin(), first->second.end(), word) != first->second.end();
}

/// A choice's words in the order in which the host shows and numbers them.
std::vector<std::string> choices(const SettingRow &row) {
    std::vector<std::string> words = row.words;
    if (row.has_auto) {
        words.insert(words.begin(), "auto");
    }
    const auto first = first_words.find(row.key);
    if (first == first_words.end()) {
        return words;
    }
    const auto place = [&](const std::string &word) {
        return std::find(first->second.begin(), first->second.end(), word) - first->second.begin();
    };
    std::stable_sort(words.begin(), words.end(),
                     [&](const std::string &a, const std::string &b) { return place(a) < place(b); });
    return words;
}

int default_choice(const SettingRow &row) {
    const std::vector<std::string> words = choices(row);
    const auto found = std::find(words.begin(), words.end(), row.default_value);
    return found == words.end() ? 0 : static_cast<int>(found - words.begin());
}

/// A choice as saved in a project: its word, and the number that the word had when it was saved.
struct SavedChoice {
    std::string word;
    int number = 0;
};

/// A choice's entry in the parameter "choices"; nothing if it is missing or damaged.
std::optional<SavedChoice> saved_choice(const std::string &text, const SettingRow &row) {
    const nlohmann::json saved = nlohmann::json::parse(text, nullptr, false);
    const auto found = saved.is_object() ? saved.find(row.name) : saved.end();
    if (found == saved.end() || !found->is_object() || !found->contains("word") || !(*found)["word"].is_string() ||
        !found->contains("number") || !(*found)["number"].is_number_integer()) {
        return std::nullopt;
    }
    return SavedChoice{(*found)["word"].get<std::string>(), (*found)["number"].get<int>()};
}

/// Whether a list such as "drums,bass" contains the word.
bool lists(const std::string &list, const std::string &word) {
    return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

/// Initial value of a number's parameter, used when the number is not left to the core.
double default_number(const SettingRow &row) {
    if (!row.has_auto) {
        return std::strtod(row.default_value.c_str(), nullptr);
    }
    return row.kind == SettingRow::Kind::whole ? row.least : (row.least + row.most) / 2.0;
}

/// OpenFX's integers have 32 bits.
int whole_limit(double value) { return static_cast<int>(std::clamp(value, double(INT_MIN), double(INT_MAX))); }

/// The shortest text that reads back as the same number.
std::string text_of(double value) {
    char buffer[32];
    const auto [end, error] = std::to_chars(std::begin(buffer), std::end(buffer), value);
    return error == std::errc() ? std::string(buffer, end) : std::to_string(value);
}

/// Defines parameters, each in a group after `group`.
class Definer {
public:
    Definer(const Suites &suites, OfxParamSetHandle set) : suites_(suites), set_(set) {}

    void group(const char *name, const std::string &label, bool open) {
        parent_.clear();
        const Properties made = define(kOfxParamTypeGroup, name, label, "");
        made.set(kOfxParamPropGroupOpen, open ? 1 : 0);
        parent_ = name;
    }

    Properties button(const char *name, const std::string &label, const std::string &hint) {
        return define(kOfxParamTypePushButton, name, label, hint);
    }

    Properties flag(const std::string &name, const std::string &label, const std::string &hint, bool value) {
        const Properties made = constant(kOfxParamTypeBoolean, name, label, hint);
        made.set(kOfxParamPropDefault, value ? 1 : 0);
        return made;
    }

    Properties text(const char *name, const std::string &label, const std::string &hint, const char *mode,
                    const std::string &value) {
        const Properties made = constant(kOfxParamTypeString, name, label, hint);
        made.set(kOfxParamPropStringMode, mode);
        made.set(kOfxParamPropDefault, value);
        return made;
    }

    void number(const char *name, const std::string &label, const std::string &hint, double value, double least,
                double most) {
        const Properties made = constant(kOfxParamTypeDouble, name, label, hint);
        made.set(kOfxParamPropDoubleType, kOfxParamDoubleTypePlain);
        made.set(kOfxParamPropDefault, value);
        limit(made, least, most);
    }

    void whole(const char *name, const std::string &label, const std::string &hint, int value, int least, int most) {
        const Properties made = constant(kOfxParamTypeInteger, name, label, hint);
        made.set(kOfxParamPropDefault, value);
        limit(made, least, most);
    }

    void choice(const char *name, const std::string &label, const std::string &hint, int value,
                const std::vector<std::string> &words) {
        const Properties made = constant(kOfxParamTypeChoice, name, label, hint);
        for (std::size_t index = 0; index < words.size(); ++index) {
            made.set(kOfxParamPropChoiceOption, words[index], static_cast<int>(index));
        }
        made.set(kOfxParamPropDefault, value);
    }

private:
    Properties define(const char *type, const std::string &name, const std::string &label, const std::string &hint) {
        OfxPropertySetHandle handle = nullptr;
        if (suites_.parameters->paramDefine(set_, type, name.c_str(), &handle) != kOfxStatOK) {
            handle = nullptr;
        }
        const Properties made(suites_, handle);
        made.set(kOfxPropLabel, label);
        made.set(kOfxParamPropScriptName, name);
        made.set(kOfxParamPropHint, hint);
        if (!parent_.empty()) {
            made.set(kOfxParamPropParent, parent_);
        }
        return made;
    }

    /// A value that does not change over the clip, nor with the picture.
    Properties constant(const char *type, const std::string &name, const std::string &label, const std::string &hint) {
        const Properties made = define(type, name, label, hint);
        made.set(kOfxParamPropAnimates, 0);
        made.set(kOfxParamPropEvaluateOnChange, 0);
        return made;
    }

    template <typename Number> void limit(const Properties &made, Number least, Number most) {
        made.set(kOfxParamPropMin, least);
        made.set(kOfxParamPropMax, most);
        made.set(kOfxParamPropDisplayMin, least);
        made.set(kOfxParamPropDisplayMax, most);
    }

    const Suites &suites_;
    OfxParamSetHandle set_;
    std::string parent_;
};

void define_setting(Definer &definer, const SettingRow &row) {
    const char *name = row.name.c_str();
    if (is_number(row)) {
        for (const std::string &word : words_for_number(row)) {
            definer.flag(word_name(row, word), row.label + ": " + (word == "auto" ? "automatic" : word), row.help,
                         row.default_value == word);
        }
    }
    switch (row.kind) {
    case SettingRow::Kind::choice:
        definer.choice(name, row.label, row.help, default_choice(row), choices(row));
        break;
    case SettingRow::Kind::list:
        for (const std::string &word : row.words) {
            definer.flag(word_name(row, word), row.label + ": " + word, row.help, lists(row.default_value, word));
        }
        break;
    case SettingRow::Kind::text:
        definer.text(name, row.label, row.help, kOfxParamStringIsSingleLine, row.default_value);
        break;
    case SettingRow::Kind::number:
        definer.number(name, row.label, row.help, default_number(row), row.least, row.most);
        break;
    case SettingRow::Kind::whole:
        definer.whole(name, row.label, row.help, whole_limit(default_number(row)), whole_limit(row.least), whole_limit(row.most));
        break;
    }
}

/// Settings grouped by users' purposes; a new setting of another stage comes last.
struct Group {
    const char *name;
    const char *label;
    std::vector<const char *> begins;
};

const std::vector<Group> groups = {
    {"drums_group", "Drums", {"drums."}},
    {"music_group", "Instruments", {"music."}},
    {"movement_group", "Movement", {"pose.", "beats.", "tempo"}},
    {"sound_group", "Sound and machine", {""}},
};

const Group &group_of(const SettingRow &row) {
    for (const Group &group : groups) {
        for (const char *begin : group.begins) {
            if (row.key.rfind(begin, 0) == 0) {
                return group;
            }
        }
    }
    return groups.back();
}

} // namespace

void define_parameters(const Suites &suites, OfxParamSetHandle set) {
    Definer definer(suites, set);
    definer.group("soundtrack_group", "Soundtrack", true);
    definer.button(name::generate, "Generate soundtrack", "Makes a soundtrack that follows the movement of the person in the clip");
    definer.button(name::update, "Update", "Makes the soundtrack again if the clip or the settings have changed");
    definer.button(name::show, "Show file", "Opens the folder of the soundtrack");
    const Properties status = definer.text(name::status, "Status", "Whether the soundtrack matches the clip and the settings",
                                           kOfxParamStringIsLabel, "");
    status.set(kOfxParamPropEnabled, 0);
    status.set(kOfxParamPropPersistant, 0);
    status.set(kOfxParamPropCanUndo, 0);
    definer.flag(name::follow, "Follow edits", "Makes the soundtrack again automatically when the clip or the settings have changed", false);

    definer.group("media_group", "Clip and files", true);
    definer.text(name::media, "Media file", "The clip's video file. If none is named, the editor's pictures are used",
                 kOfxParamStringIsFilePath, "");
    definer.number(name::media_start, "Media start", "Seconds of the media file before the clip", 0.0, 0.0, 86400.0);
    definer.number(name::media_end, "Media end",
                   "Second of the media file at which the clip ends; 0: as the editor reports, or the end of the file", 0.0, 0.0,
                   86400.0);
    definer.text(name::folder, "Output folder", "Folder for sound, notes and analysis; by default that of the media file",
                 kOfxParamStringIsDirectoryPath, "");
    definer.text(name::file_name, "File name", "Name of the files; by default that of the media file", kOfxParamStringIsSingleLine,
                 "");
    const Properties result = definer.text(name::result, "Result", "", kOfxParamStringIsSingleLine, "");
    const Properties words = definer.text(name::choices, "Choices", "", kOfxParamStringIsSingleLine, "");
    for (const Properties &hidden : {result, words}) {
        hidden.set(kOfxParamPropSecret, 1);
        hidden.set(kOfxParamPropCanUndo, 0);
    }

    for (const Group &group : groups) {
        definer.group(group.name, group.label, false);
        for (const SettingRow &row : settings_table()) {
            if (&group_of(row) == &group) {
                define_setting(definer, row);
            }
        }
    }
}

OfxParamHandle Parameters::handle(const char *name) const {
    OfxParamHandle found = nullptr;
    return suites_->parameters->paramGetHandle(set_, name, &found, nullptr) == kOfxStatOK ? found : nullptr;
}

bool Parameters::flag(const char *name, bool otherwise) const { return whole(name, otherwise ? 1 : 0) != 0; }

int Parameters::whole(const char *name, int otherwise) const {
    const OfxParamHandle parameter = handle(name);
    int value = otherwise;
    return parameter != nullptr && suites_->parameters->paramGetValue(parameter, &value) == kOfxStatOK ? value : otherwise;
}

double Parameters::number(const char *name, double otherwise) const {
    const OfxParamHandle parameter = handle(name);
    double value = otherwise;
    return parameter != nullptr && suites_->parameters->paramGetValue(parameter, &value) == kOfxStatOK ? value : otherwise;
}

std::string Parameters::text(const char *name) const {
    const OfxParamHandle parameter = handle(name);
    char *value = nullptr;
    const bool there = parameter != nullptr && suites_->parameters->paramGetValue(parameter, &value) == kOfxStatOK;
    return there && value != nullptr ? value : "";
}

void Parameters::set_text(const char *name, const std::string &value) const {
    // Existing words are left unchanged, so that the editor does not consider the project changed.
    if (const OfxParamHandle parameter = handle(name); parameter != nullptr && text(name) != value) {
        suites_->parameters->paramSetValue(parameter, value.c_str());
    }
}

/// The saved word counts as long as the choice has the number with which the word was saved. If it
/// has another number, the user has chosen since, in a host that does not report edits.
std::string Parameters::chosen_word(const SettingRow &row) const {
    const int number = whole(row.name.c_str(), default_choice(row));
    const std::optional<SavedChoice> saved = saved_choice(text(name::choices), row);
    if (saved && saved->number == number) {
        return saved->word;
    }
    const std::vector<std::string> words = choices(row);
    return number >= 0 && static_cast<std::size_t>(number) < words.size() ? words[static_cast<std::size_t>(number)]
                                                                          : row.default_value;
}

void Parameters::keep_words() const {
    nlohmann::json saved = nlohmann::json::object();
    for (const SettingRow &row : settings_table()) {
        if (row.kind != SettingRow::Kind::choice) {
            continue;
        }
        const std::string word = chosen_word(row);
        if (word != row.default_value || !is_first(row, word)) {
            saved[row.name] = {{"word", word}, {"number", whole(row.name.c_str(), default_choice(row))}};
        }
    }
    set_text(name::choices, saved.empty() ? "" : saved.dump());
}

void Parameters::place_choices() const {
    const std::string saved = text(name::choices);
    bool moved = false;
    for (const SettingRow &row : settings_table()) {
        const OfxParamHandle parameter = handle(row.name.c_str());
        const std::optional<SavedChoice> choice = saved_choice(saved, row);
        if (row.kind != SettingRow::Kind::choice || parameter == nullptr || !choice || chosen_word(row) != choice->word) {
            continue;
        }
        const std::vector<std::string> words = choices(row);
        const auto number = static_cast<int>(std::find(words.begin(), words.end(), choice->word) - words.begin());
        // A word that this release does not know is kept: the core reports it.
        if (number != choice->number && static_cast<std::size_t>(number) < words.size()) {
            moved = suites_->parameters->paramSetValue(parameter, number) == kOfxStatOK || moved;
        }
    }
    if (moved) {
        keep_words();
    }
}

std::string Parameters::word_for_number(const SettingRow &row) const {
    if (!is_number(row)) {
        return "";
    }
    const std::vector<std::string> words = words_for_number(row);
    const auto chosen = std::find_if(words.begin(), words.end(), [&](const std::string &word) {
        return flag(word_name(row, word).c_str(), row.default_value == word);
    });
    return chosen == words.end() ? "" : *chosen;
}

bridge::Settings Parameters::settings() const {
    bridge::Settings chosen;
    for (const SettingRow &row : settings_table()) {
        const char *name = row.name.c_str();
        std::string value = row.default_value;
        if (const std::string word = word_for_number(row); !word.empty()) {
            value = word;
        } else if (row.kind == SettingRow::Kind::number) {
            value = text_of(number(name, default_number(row)));
        } else if (row.kind == SettingRow::Kind::whole) {
            value = std::to_string(whole(name, whole_limit(default_number(row))));
        } else if (row.kind == SettingRow::Kind::choice) {
            value = chosen_word(row);
        } else if (row.kind == SettingRow::Kind::list) {
            value.clear();
            for (const std::string &word : row.words) {
                if (flag(word_name(row, word).c_str(), lists(row.default_value, word))) {
                    value += (value.empty() ? "" : ",") + word;
                }
            }
            // None is chosen: the choice is left to Kinescore.
            if (value.empty() && row.has_auto) {
                value = "auto";
            }
        } else if (std::string typed = text(name); !typed.empty()) {
            value = std::move(typed);
        }
        if (value != row.default_value) {
            chosen[row.key] = value;
        }
    }
    return chosen;
}

void Parameters::show_what_counts() const {
    for (const SettingRow &row : settings_table()) {
        if (!is_number(row) || words_for_number(row).empty()) {
            continue;
        }
        OfxPropertySetHandle properties = nullptr;
        const OfxParamHandle parameter = handle(row.name.c_str());
        if (parameter != nullptr && suites_->parameters->paramGetPropertySet(parameter, &properties) == kOfxStatOK) {
            Properties(*suites_, properties).set(kOfxParamPropEnabled, word_for_number(row).empty() ? 1 : 0);
        }
    }
}

} // namespace kinescore::ofx
