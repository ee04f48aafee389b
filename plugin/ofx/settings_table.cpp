#include "settings_table.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace kinescore::ofx {

extern const char *const settings_json;

namespace {

SettingRow::Kind kind_of(const std::string &type) {
    if (type == "choice") {
        return SettingRow::Kind::choice;
    }
    if (type == "list") {
        return SettingRow::Kind::list;
    }
    if (type == "text") {
        return SettingRow::Kind::text;
    }
    if (type == "number") {
        return SettingRow::Kind::number;
    }
    if (type == "whole") {
        return SettingRow::Kind::whole;
    }
    throw std::logic_error("a setting is of the unknown type " + type);
}

/// "--tempo-min" for people: "Tempo min".
std::string label_of(std::string flag) {
    flag.erase(0, flag.find_first_not_of('-'));
    std::replace(flag.begin(), flag.end(), '-', ' ');
    flag.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(flag.front())));
    return flag;
}

SettingRow read(const nlohmann::json &row) {
    SettingRow setting;
    setting.key = row.at("key").get<std::string>();
    setting.name = setting.key;
    std::replace(setting.name.begin(), setting.name.end(), '.', '_');
    setting.label = label_of(row.at("flag").get<std::string>());
    setting.help = row.at("help").get<std::string>();
    setting.kind = kind_of(row.at("type").get<std::string>());
    setting.has_auto = row.at("auto").get<bool>();
    setting.default_value = row.at("default").get<std::string>();
    if (row.contains("words")) {
        setting.words = row.at("words").get<std::vector<std::string>>();
    }
    setting.least = row.value("least", 0.0);
    setting.most = row.value("most", 0.0);
    return setting;
}

} // namespace

const std::vector<SettingRow> &settings_table() {
    static const std::vector<SettingRow> table = [] {
        std::vector<SettingRow> rows;
        for (const nlohmann::json &row : nlohmann::json::parse(settings_json)) {
            // On a timeline, the editor controls the clip's own sound.
            if (row.at("key") != "original") {
                rows.push_back(read(row));
            }
        }
        return rows;
    }();
    return table;
}

} // namespace kinescore::ofx
