// Choices in projects opened by a release with more words than the one that saved them.
#include "bundle.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace kinescore::ofx_test;

namespace {

constexpr const char *filter = kOfxImageEffectContextFilter;

/// The values that a host saves for an instance, after announcing the save.
Values saved(TestInstance &effect) {
    effect.sync_private_data();
    Values values;
    for (const std::string &name : effect.parameters()) {
        for (const char *kept : {"drums_style", "sound_rate", "choices"}) {
            if (name == kept) {
                values[name] = name == "choices" ? effect.value(name) : Value(effect.get_int(name));
            }
        }
    }
    return values;
}

/// A project of this release, with two choices that differ from their defaults.
Values project() {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip());
    effect->edit("drums_style", std::string("funk"));
    effect->edit("sound_rate", std::string("96000"));
    CHECK(effect->violations() == std::vector<std::string>{});
    return saved(*effect);
}

/// The settings with which a release makes the sound of a project.
std::string sound_of(const std::string &release, const Values &stored) {
    const Bundle bundle(fake_core, release);
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), stored);
    effect->press("generate");
    CHECK(effect->violations() == std::vector<std::string>{});
    return text_of(bundle.work() + "/dance.soundtrack.wav");
}

Values without_words(Values stored) {
    stored.erase("choices");
    return stored;
}

} // namespace

TEST_CASE("a later release shows its new words, and those of this one keep their numbers") {
    const Bundle now;
    const Bundle later(fake_core, later_release);
    std::map<std::string, std::vector<std::string>> before;
    {
        TestHost host(now.plugins(), identifier);
        const Description described = host.describe(filter);
        for (const std::string &name : described.parameters()) {
            if (described.parameter(name).has(kOfxParamPropChoiceOption)) {
                before[name] = described.parameter(name).texts(kOfxParamPropChoiceOption);
            }
        }
    }
    REQUIRE(before.size() == 14);
    TestHost host(later.plugins(), identifier);
    const Description described = host.describe(filter);
    std::size_t added = 0;
    for (const auto &[name, words] : before) {
        const std::vector<std::string> after = described.parameter(name).texts(kOfxParamPropChoiceOption);
        REQUIRE(after.size() >= words.size());
        CHECK_MESSAGE(std::vector<std::string>(after.begin(), after.begin() + words.size()) == words, name);
        added += after.size() - words.size();
    }
    CHECK(added == 5); // "gospel" in two choices, "32000", and "nobody" in the two choices that have "all"
    const auto effect = host.create(filter);
    CHECK(effect->get_string("sound_rate") == "48000");
}

TEST_CASE("choices keep their meaning when a later release has more words") {
    const Values stored = project();
    CHECK(stored.count("choices") == 1);
    // Projects of releases that saved no words contain only numbers.
    for (const Values &values : {stored, without_words(stored)}) {
        const std::string sound = sound_of(later_release, values);
        CHECK_MESSAGE(has(sound, "drums.style: funk"), sound);
        CHECK_MESSAGE(has(sound, "sound.rate: 96000"), sound);
    }
}

TEST_CASE("the word counts, not the number that it was saved with") {
    // As saved by a release in which the word has another number.
    const Values stored = {{"drums_style", 3},
                           {"choices", std::string(R"({"drums_style":{"word":"gospel","number":3}})")}};
    CHECK(has(sound_of(later_release, stored), "drums.style: gospel"));
    Values again;
    {
        const Bundle bundle(fake_core, later_release);
        TestHost host(bundle.plugins(), identifier);
        const auto effect = on_media(host, bundle.clip(), stored);
        CHECK(effect->get_string("drums_style") == "gospel");
        again = saved(*effect);
    }
    // The number that the value has in this version is now saved.
    CHECK(std::get<int>(again.at("drums_style")) == 16);
    CHECK(has(sound_of(later_release, again), "drums.style: gospel"));
    // Words that only the later release knows are passed to the core, which reports them.
    CHECK(has(sound_of(this_release, stored), "drums.style: gospel"));
}

TEST_CASE("a later choice of the user takes precedence over the saved word") {
    const Values stored = project();
    // In a host that does not report edits.
    Values edited = stored;
    edited["drums_style"] = 1;
    CHECK(has(sound_of(this_release, edited), "drums.style: rock"));
    // In one that does.
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), stored);
    effect->edit("drums_style", std::string("jazz"));
    CHECK(has(effect->get_string("choices"), "jazz"));
    effect->edit("drums_style", std::string("auto"));
    CHECK_FALSE(has(effect->get_string("choices"), "drums_style"));
    effect->press("generate");
    CHECK_FALSE(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "drums.style"));
}

TEST_CASE("damaged words are ignored") {
    for (const char *words : {"{", "7", "[]", R"({"drums_style":3})", R"({"drums_style":{"word":3,"number":3}})",
                              R"({"drums_style":{"word":"jazz","number":"3"}})"}) {
        const std::string sound = sound_of(this_release, {{"drums_style", 3}, {"choices", std::string(words)}});
        CHECK_MESSAGE(has(sound, "drums.style: funk"), words);
    }
}

TEST_CASE("a word in place of a number has a flag of its own, in this release and in a later one") {
    for (const auto &[release, word] : {std::pair<std::string, std::string>{"", "all"}, {later_release, "nobody"}}) {
        const Bundle bundle = release.empty() ? Bundle() : Bundle(fake_core, release);
        TestHost host(bundle.plugins(), identifier);
        const auto effect = on_media(host, bundle.clip());
        CHECK_FALSE(effect->get_bool("pose_person_" + word));
        effect->press("generate");
        CHECK_FALSE(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "pose.person"));
        // It counts although the number is still left to the core.
        effect->edit("pose_person_" + word, true);
        CHECK(effect->get_bool("pose_person_auto"));
        effect->press("generate");
        CHECK(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "pose.person: " + word));
        effect->edit("pose_person_auto", false);
        CHECK_FALSE(effect->enabled("pose_person"));
        effect->edit("pose_person_" + word, false);
        CHECK(effect->enabled("pose_person"));
        effect->edit("pose_person", 3);
        effect->press("generate");
        CHECK(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "pose.person: 3"));
        CHECK(effect->violations() == std::vector<std::string>{});
    }
}
