// The bundle in a host: its life, its parameters, and soundtracks from generation to update. The
// core is a fake one.
#include "../../bridge/tests/outside.hpp"
#include "bundle.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>

using namespace kinescore::ofx_test;
namespace fs = std::filesystem;

namespace {

constexpr const char *filter = kOfxImageEffectContextFilter;

std::string status(const TestInstance &effect) { return effect.get_string("status"); }

/// The last message to the user; "" if there was none.
std::string notified(const TestInstance &effect) {
    const std::vector<Message> messages = effect.messages();
    return messages.empty() ? "" : messages.back().text;
}

const std::vector<std::string> three_files = {"dance.mp4", "dance.soundtrack.json", "dance.soundtrack.mid",
                                              "dance.soundtrack.wav"};

/// Lists of actions are kept in files, one per line.
void check_golden(const std::string &name, const std::vector<std::string> &lines) {
    std::string text;
    for (const std::string &line : lines) {
        text += line + "\n";
    }
    const fs::path path = fs::path(KINESCORE_GOLDEN) / name;
    if (std::getenv("KINESCORE_RENEW_GOLDEN") != nullptr) {
        std::ofstream(path) << text;
    }
    CHECK(text == text_of(path));
}

/// The life of the plugin in a host, from loading to unloading.
void live(const Bundle &bundle, const HostTraits &traits, const std::string &golden) {
    bundle.forget_calls();
    std::vector<std::string> log;
    {
        TestHost host(bundle.plugins(), identifier, traits);
        for (const char *context : {kOfxImageEffectContextFilter, kOfxImageEffectContextGeneral}) {
            CHECK(host.describe(context).clips() == std::vector<std::string>{"Source", "Output"});
        }
        CHECK(bundle.calls().empty());
        {
            const Values values = {{"folder", bundle.work() + "/out"}, {"follow", true}, {"seed_auto", false}};
            const auto effect = on_media(host, bundle.clip(), values);
            if (!traits.background) {
                CHECK(effect->press("generate") == kOfxStatOK);
                effect->set("seed", 2);
                effect->cancel_after(0);
                ::setenv("KINESCORE_FAKE_STEP_MS", "30", 1);
                CHECK(effect->press("generate") == kOfxStatOK);
                ::unsetenv("KINESCORE_FAKE_STEP_MS");
                CHECK(status(*effect) == "Cancelled");
                effect->on_progress() = {};
                effect->edit("drums_style", std::string("funk"));
                effect->source().last = 74;
                effect->clip_changed();
                CHECK(has(status(*effect), "Up to date"));
            }
            effect->begin_sequence(0, 9);
            for (int frame = 0; frame < 10; ++frame) {
                effect->render(frame);
                CHECK(effect->force_render(frame).picture == effect->source_picture(frame));
            }
            effect->end_sequence();
            effect->sync_private_data();
            CHECK(effect->violations() == std::vector<std::string>{});
            CHECK(effect->parameters_set_while_rendering() == 0);
            CHECK(bundle.names("out").size() == 3);
        }
        log = host.log();
    }
    CHECK_FALSE(TestHost::is_loaded(bundle.binary()));
    CHECK_FALSE(bundle.calls().empty());
    check_golden(golden, log);
}

/// The message to the user when no soundtrack can be made of the fake clip; checks that nothing was
/// written.
std::string failure(const Bundle &bundle, Values values, HostTraits traits = {}) {
    TestHost host(bundle.plugins(), identifier, traits);
    const std::vector<std::string> before = bundle.names();
    const auto effect = host.create(filter, values);
    CHECK(effect->press("generate") == kOfxStatOK);
    CHECK(bundle.names() == before);
    CHECK(effect->get_string("result") == "");
    for (const ProgressSession &session : effect->progress()) {
        CHECK(session.ended);
    }
    CHECK(effect->force_render(3).picture == effect->source_picture(3));
    CHECK(effect->violations() == std::vector<std::string>{});
    const std::string sentence = notified(*effect);
    CHECK(status(*effect) == sentence);
    return sentence;
}

} // namespace

TEST_CASE("the plugin lives and dies twice in each host, and each action is known") {
    const Bundle bundle;
    HostTraits resolve;
    resolve.name = "DaVinciResolve";
    resolve.depth = Depth::f32;
    for (int round = 0; round < 2; ++round) {
        live(bundle, {}, "actions-hostsupport.txt");
        fs::remove_all(bundle.work());
        fs::create_directories(bundle.work());
        live(bundle, resolve, "actions-hostsupport.txt");
        fs::remove_all(bundle.work());
        fs::create_directories(bundle.work());
        live(bundle, mlt(), "actions-mlt.txt");
        fs::remove_all(bundle.work());
        fs::create_directories(bundle.work());
    }
}

TEST_CASE("nothing is loaded or searched for until the first soundtrack") {
    const Bundle bundle;
    // A copy, since a core is never unloaded.
    const std::string core = bundle.work() + "/libkinescore.so";
    fs::copy_file(fake_core, core);
    bundle.install(core);
    TestHost host(bundle.plugins(), identifier);
    host.describe(filter);
    const auto effect = on_media(host, bundle.clip());
    effect->render(3);
    effect->sync_private_data();
    CHECK(status(*effect) == "No soundtrack yet");
    CHECK_FALSE(TestHost::is_loaded(core));
    effect->press("generate");
    CHECK(TestHost::is_loaded(core));
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("loading and describing take under 5 ms") {
    const Bundle bundle;
    double least = 1e9;
    // The best of many rounds: other programs share the processor.
    for (int round = 0; round < 50 && (round < 5 || least >= 5); ++round) {
        const auto start = std::chrono::steady_clock::now();
        {
            TestHost host(bundle.plugins(), identifier);
            host.describe(filter);
        }
        least = std::min(least, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    MESSAGE("found, loaded twice, described and unloaded in " << least << " ms");
    CHECK(least < 5.0);
}
#endif

TEST_CASE("only three symbols are visible, and no library of the core is needed") {
    const Bundle bundle;
    const std::string out = bundle.work() + "/symbols";
    const std::string command = "nm -D --defined-only '" + bundle.binary() + "' | cut -d' ' -f3 | sort > '" + out + "' && ldd '" +
                                bundle.binary() + "' > '" + out + ".ldd' && nm -D --undefined-only '" + bundle.binary() +
                                "' > '" + out + ".needed'";
    REQUIRE(outside::runs(command));
    CHECK(text_of(out) == "OfxGetNumberOfPlugins\nOfxGetPlugin\nOfxSetHost\n");
    for (const char *library : {"onnx", "libav", "libsw", "kinescore", "rust"}) {
        CHECK_FALSE(has(text_of(out + ".ldd"), library));
    }
    for (const char *symbol : {"kinescore_", "Ort", "av_", "rust"}) {
        CHECK_FALSE(has(text_of(out + ".needed"), symbol));
    }
}

TEST_CASE("there is a parameter for every setting, with its default") {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const Description described = host.describe(filter);
    const auto effect = host.create(filter);
    CHECK(effect->get_string("drums_style") == "auto");
    CHECK(described.parameter("drums_style").texts(kOfxParamPropChoiceOption).size() == 16);
    CHECK(effect->get_double("drums_temperature") == 1.0);
    CHECK(described.parameter("drums_temperature").number(kOfxParamPropMin) == 0.1);
    CHECK(described.parameter("drums_temperature").number(kOfxParamPropMax) == 2.0);
    CHECK(effect->get_bool("seed_auto"));
    CHECK_FALSE(effect->get_bool("music_instruments_piano"));
    CHECK_FALSE(effect->get_bool("music_instruments_guitar"));
    CHECK(effect->get_string("music_chords") == "auto");
    CHECK(effect->get_bool("tempo_auto"));
    CHECK_FALSE(effect->enabled("tempo"));
    effect->edit("tempo_auto", false);
    CHECK(effect->enabled("tempo"));
    CHECK_FALSE(effect->enabled("status"));
    CHECK(effect->secret("result"));
    CHECK_FALSE(described.has("original"));
    for (const std::string &name : described.parameters()) {
        const bool plain = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
        CHECK_MESSAGE(plain, name);
    }
}

TEST_CASE("a soundtrack is made of the media file") {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), {{"media_start", 2.5}});
    effect->edit("drums_style", std::string("funk"));
    effect->edit("seed_auto", false);
    effect->edit("seed", 7);
    effect->edit("tempo_auto", false);
    effect->edit("tempo", 96.5);
    effect->edit("music_instruments_drums", true);
    effect->edit("music_instruments_bass", true);
    effect->edit("music_chords", std::string("Am F | C G"));
    CHECK(effect->press("generate") == kOfxStatOK);

    CHECK(bundle.names() == three_files);
    const std::string sound = text_of(bundle.work() + "/dance.soundtrack.wav");
    for (const char *part : {"drums.style: funk", "seed: 7", "tempo: 96.5", "music.instruments: drums,bass", "music.chords: Am F | C G",
                             "dance.mp4", "cut: 1764000000 to 4586400000 at 1/1"}) { // flicks of 2.5 s and 6.5 s
        CHECK_MESSAGE(has(sound, part), sound);
    }
    // The core has its own defaults: they are not passed to it.
    CHECK_FALSE(has(sound, "drums.kit"));
    CHECK(status(*effect) == "Up to date: " + bundle.work() + "/dance.soundtrack.wav");
    CHECK(has(effect->get_string("result"), "dance.soundtrack.wav"));
    CHECK(has(text_of(bundle.work() + "/dance.soundtrack.json"), "\"key\""));
    REQUIRE(effect->progress().size() == 1);
    CHECK(effect->progress()[0].ended);
    CHECK(std::is_sorted(effect->progress()[0].updates.begin(), effect->progress()[0].updates.end()));
    CHECK(effect->messages().empty());
    CHECK(effect->violations() == std::vector<std::string>{});
}

TEST_CASE("a cancelled soundtrack leaves nothing, and can be made later") {
    const Bundle bundle;
    ::setenv("KINESCORE_FAKE_STEP_MS", "30", 1);
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), {{"seed_auto", false}});
    effect->cancel_after(1);
    effect->press("generate");
    CHECK(status(*effect) == "Cancelled");
    CHECK(bundle.names() == std::vector<std::string>{"dance.mp4"});
    CHECK(effect->messages().empty());
    CHECK(effect->progress().back().ended);
    effect->on_progress() = {};
    effect->press("generate");
    CHECK(has(status(*effect), "Up to date"));
    // Cancelling a later one leaves the existing one.
    const std::string before = text_of(bundle.work() + "/dance.soundtrack.wav");
    effect->edit("seed", 5);
    effect->cancel_after(0);
    effect->press("update");
    CHECK(status(*effect) == "Cancelled");
    CHECK(text_of(bundle.work() + "/dance.soundtrack.wav") == before);
}

TEST_CASE("a change makes it out of date, and an update renews the same files") {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), {{"seed_auto", false}});
    effect->press("update"); // there is none: it is made
    CHECK(has(status(*effect), "Up to date"));
    bundle.forget_calls();
    effect->press("update");
    CHECK(bundle.calls().empty());

    const auto goes_out_of_date = [&](const char *what) {
        CHECK_MESSAGE(has(status(*effect), "Out of date"), what);
        effect->press("update");
        CHECK_MESSAGE(has(status(*effect), "Up to date"), what);
        CHECK(bundle.names() == three_files);
    };
    effect->edit("seed", 3);
    goes_out_of_date("a setting");
    effect->source().last = 49;
    effect->clip_changed();
    goes_out_of_date("the range");
    CHECK(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "1411200000")); // 2 s
    effect->source().fps = 20;
    effect->clip_changed();
    goes_out_of_date("the rate");
    effect->edit("media_start", 1.0);
    goes_out_of_date("the start");
    bundle.file("dance.mp4", "other pictures");
    effect->sync_private_data();
    goes_out_of_date("the media");
    fs::remove(bundle.work() + "/dance.soundtrack.mid");
    effect->sync_private_data();
    goes_out_of_date("a file that is gone");
    effect->edit("seed", 4);
    effect->edit("seed", 3);
    CHECK(has(status(*effect), "Up to date"));
    CHECK(effect->violations() == std::vector<std::string>{});
}

TEST_CASE("edits are followed if that is wanted") {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), {{"follow", true}, {"seed_auto", false}});
    // Nothing is made before the first press.
    effect->edit("seed", 2);
    CHECK(bundle.names() == std::vector<std::string>{"dance.mp4"});
    effect->press("generate");
    effect->edit("seed", 3);
    CHECK(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "seed: 3"));
    effect->source().last = 49;
    effect->clip_changed();
    CHECK(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "1411200000"));

    // A host that does not report a trim: it is noticed before the next render, and shown when that
    // is allowed.
    effect->source().last = 74;
    effect->begin_sequence(0, 74);
    CHECK(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "2116800000"));
    effect->end_sequence();
    CHECK(effect->parameters_set_while_rendering() == 0);
    effect->sync_private_data();
    CHECK(has(effect->get_string("result"), "\"out\":2116800000"));
    CHECK(has(status(*effect), "Up to date"));

    // Without it nothing follows, but the status says so.
    effect->edit("follow", false);
    effect->source().last = 99;
    effect->begin_sequence(0, 99);
    effect->end_sequence();
    effect->sync_private_data();
    CHECK(has(status(*effect), "Out of date"));
    CHECK(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "2116800000"));
}

TEST_CASE("an aborted render is continued by the next") {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), {{"follow", true}, {"seed_auto", false}});
    effect->press("generate");
    ::setenv("KINESCORE_FAKE_STEP_MS", "30", 1);
    effect->set("seed", 9);
    effect->set_abort(true);
    effect->begin_sequence(0, 9);
    effect->end_sequence();
    CHECK(effect->aborts_asked() > 0);
    CHECK_FALSE(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "seed: 9"));
    effect->set_abort(false);
    effect->begin_sequence(0, 9);
    effect->end_sequence();
    CHECK(has(text_of(bundle.work() + "/dance.soundtrack.wav"), "seed: 9"));
}

TEST_CASE("MLT never presses a button: its renders make the soundtrack, once") {
    const Bundle bundle;
    {
        TestHost host(bundle.plugins(), identifier, mlt());
        const auto idle = on_media(host, bundle.clip());
        idle->begin_sequence(0, 0);
        idle->end_sequence();
        CHECK(bundle.names() == std::vector<std::string>{"dance.mp4"});
        const auto effect = on_media(host, bundle.clip(), {{"follow", true}});
        for (int frame = 0; frame < 5; ++frame) {
            effect->begin_sequence(frame, frame);
            effect->end_sequence();
        }
        CHECK(effect->parameters_set_while_rendering() == 0);
        CHECK(effect->violations() == std::vector<std::string>{});
        const std::vector<std::string> calls = bundle.calls();
        CHECK(std::count(calls.begin(), calls.end(), "kinescore_job_run") == 1);
    }
    CHECK(bundle.names() == three_files);
    // The next process finds it, although the host stores nothing for the plugin.
    bundle.forget_calls();
    TestHost host(bundle.plugins(), identifier, mlt());
    const auto effect = on_media(host, bundle.clip(), {{"follow", true}});
    effect->begin_sequence(0, 0);
    effect->end_sequence();
    CHECK(bundle.calls().empty());
    CHECK(bundle.names() == three_files);
}

TEST_CASE("a failure in a render is reported once") {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier, mlt());
    for (const std::string &media : {bundle.clip("nobody.mp4"), bundle.work() + "/missing.mp4"}) {
        const auto effect = on_media(host, media, {{"follow", true}});
        for (int frame = 0; frame < 5; ++frame) {
            effect->begin_sequence(frame, frame);
            CHECK(effect->force_render(frame).picture == effect->source_picture(frame));
            effect->end_sequence();
        }
        CHECK(effect->messages().size() == 1);
        CHECK(has(notified(*effect), "mp4"));
        effect->sync_private_data();
        CHECK(status(*effect) == notified(*effect));
    }
}

TEST_CASE("failures are reported in a sentence, and the picture passes through") {
    const Bundle bundle;
    const Values none;
    CHECK(has(failure(bundle, none, mlt()), "Media file"));
    CHECK(has(failure(bundle, {{"media", bundle.work() + "/missing.mp4"}}), bundle.work() + "/missing.mp4: cannot be read"));
    CHECK(has(failure(bundle, {{"media", std::string("dance.mp4")}}), "dance.mp4: is not an absolute path"));
    CHECK(has(failure(bundle, {{"media", bundle.clip("nobody.mp4")}}), "nobody.mp4"));
    const std::string media = bundle.clip();
    CHECK(has(failure(bundle, {{"media", media}, {"file_name", std::string("a/b")}}), "\"a/b\" is not a file name"));
    CHECK(has(failure(bundle, {{"media", media}, {"folder", std::string("out")}}), "\"out\" is not an absolute path"));
    CHECK(has(failure(bundle, {{"media", media}, {"folder", media + "/out"}}), media + "/out: cannot be created"));
    CHECK(has(failure(bundle, {{"media", media}, {"music_key", std::string("impossible")}}), "impossible"));
}

TEST_CASE("a core that is missing, damaged or of another release is reported, and repaired without a restart") {
    const Bundle bundle("");
    const Values values = {{"media", bundle.clip()}};
    CHECK(has(failure(bundle, values), "libkinescore.so"));
    bundle.install("/nowhere/libkinescore.so");
    CHECK(has(failure(bundle, values), "/nowhere/libkinescore.so"));
    bundle.install(bundle.clip("no-library.so"));
    CHECK(has(failure(bundle, values), "no-library.so"));
    bundle.install("damaged\"");
    CHECK(has(failure(bundle, values), "places.json"));
    bundle.install(wrong_core);
    const std::string sentence = failure(bundle, values);
    CHECK(has(sentence, wrong_core));
    CHECK(has(sentence, "99"));

    bundle.install("/nowhere/libkinescore.so");
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip());
    effect->press("generate");
    CHECK(effect->messages().size() == 1);
    bundle.install(fake_core);
    effect->press("generate");
    CHECK(has(status(*effect), "Up to date"));
}

TEST_CASE("hosts that lack various features are supported") {
    const Bundle bundle;
    HostTraits poor;
    poor.message = poor.message_2 = poor.progress = poor.progress_2 = poor.memory = poor.multithread = false;
    poor.timeline = TimelineSuite::missing;
    poor.frame_rate = poor.pixel_aspect = poor.frame_range = false;
    {
        TestHost host(bundle.plugins(), identifier, poor);
        const auto effect = on_media(host, bundle.clip());
        effect->press("generate");
        CHECK(has(status(*effect), "Up to date"));
        effect->edit("media", bundle.clip("nobody.mp4"));
        effect->press("generate");
        CHECK(has(status(*effect), "nobody.mp4"));
    }
    HostTraits old;
    old.progress_2 = false;
    {
        TestHost host(bundle.plugins(), identifier, old);
        const auto effect = on_media(host, bundle.clip("old.mp4"));
        effect->press("generate");
        CHECK(effect->progress().size() == 1);
    }
    HostTraits wordless;
    wordless.string_parameters = false;
    TestHost host(bundle.plugins(), identifier, wordless);
    const auto effect = host.create(filter);
    effect->source().last = 49;
    ::setenv("HOME", bundle.work().c_str(), 1);
    effect->press("generate");
    CHECK(bundle.names("Kinescore") == std::vector<std::string>{"clip.soundtrack.json", "clip.soundtrack.mid", "clip.soundtrack.wav"});
    CHECK(effect->force_render(3).picture == effect->source_picture(3));
}

TEST_CASE("a copied instance gets its own files once it differs") {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const auto one = on_media(host, bundle.clip(), {{"seed_auto", false}});
    one->press("generate");
    const auto copy = on_media(host, bundle.clip(), {{"result", one->get_string("result")}, {"seed_auto", false}});
    copy->sync_private_data();
    CHECK(has(status(*copy), "Up to date"));
    copy->edit("seed", 8);
    copy->press("update");
    CHECK(status(*copy) == "Up to date: " + bundle.work() + "/dance-2.soundtrack.wav");
    one->sync_private_data();
    CHECK(status(*one) == "Up to date: " + bundle.work() + "/dance.soundtrack.wav");
}

TEST_CASE("folder and name can be chosen, and other files stay") {
    const Bundle bundle;
    const std::string song = bundle.file("out/take.soundtrack.wav", "a song");
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), {{"folder", bundle.work() + "/out"}, {"file_name", std::string("take")}});
    effect->press("generate");
    CHECK(text_of(song) == "a song");
    CHECK(status(*effect) == "Up to date: " + bundle.work() + "/out/take-2.soundtrack.wav");
    effect->edit("folder", bundle.work() + "/new/folder");
    effect->press("generate");
    CHECK(bundle.names("new/folder").size() == 3);
}

TEST_CASE("a project that is opened again finds its soundtrack") {
    const Bundle bundle;
    std::string result;
    {
        TestHost host(bundle.plugins(), identifier);
        const auto effect = on_media(host, bundle.clip());
        effect->press("generate");
        result = effect->get_string("result");
    }
    bundle.forget_calls();
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip(), {{"result", result}});
    effect->clip_changed();
    CHECK(has(status(*effect), "Up to date"));
    CHECK(bundle.calls().empty());
    const auto damaged = on_media(host, bundle.clip(), {{"result", std::string("{\"wav\": ")}});
    CHECK(status(*damaged) == "No soundtrack yet");
}

TEST_CASE("the folder is shown in the desktop's file manager") {
    const Bundle bundle;
    const std::string shown = bundle.work() + "/shown";
    const std::string program = bundle.file("bin/xdg-open", "#!/bin/sh\necho \"$1\" > '" + shown + "'\n");
    ::chmod(program.c_str(), 0755);
    const std::string path = std::getenv("PATH");
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip());
    effect->press("show");
    CHECK(has(notified(*effect), "no soundtrack to show yet"));
    effect->press("generate");
    ::setenv("PATH", (bundle.work() + "/bin:" + path).c_str(), 1);
    effect->press("show");
    for (int wait = 0; wait < 200 && text_of(shown).empty(); ++wait) {
        ::usleep(10'000);
    }
    CHECK(text_of(shown) == bundle.work() + "\n");
    ::setenv("PATH", "/nowhere", 1);
    effect->press("show");
    CHECK(notified(*effect) == "The soundtrack is " + bundle.work() + "/dance.soundtrack.wav");
    ::setenv("PATH", path.c_str(), 1);
}

TEST_CASE("an instance that is destroyed during its own progress bar is given up") {
    const Bundle bundle;
    ::setenv("KINESCORE_FAKE_STEP_MS", "30", 1);
    TestHost host(bundle.plugins(), identifier);
    for (const bool media : {true, false}) {
        const auto effect = on_media(host, media ? bundle.clip() : "", {{"folder", bundle.work() + "/out"}});
        effect->on_progress() = [&](double) {
            return host.raw().mainEntry(kOfxActionDestroyInstance, effect->handle(), nullptr, nullptr) == kOfxStatOK;
        };
        CHECK(effect->press("generate") == kOfxStatOK);
        CHECK(bundle.names("out").empty());
        CHECK(effect->messages().empty());
        CHECK(effect->get_string("result") == "");
    }
}

TEST_CASE("invalid actions are answered and do not crash") {
    const Bundle bundle;
    TestHost host(bundle.plugins(), identifier);
    const auto effect = on_media(host, bundle.clip());
    const OfxPlugin raw = host.raw();
    const auto send = [&](const char *action, const void *handle) { return raw.mainEntry(action, handle, nullptr, nullptr); };
    CHECK(send("OfxActionOfTomorrow", effect->handle()) == kOfxStatReplyDefault);
    CHECK(send(nullptr, effect->handle()) == kOfxStatErrValue);
    for (const char *action : {kOfxActionDescribe, kOfxImageEffectActionDescribeInContext, kOfxActionCreateInstance, kOfxActionDestroyInstance,
                               kOfxActionInstanceChanged, kOfxActionEndInstanceChanged, kOfxActionSyncPrivateData,
                               kOfxImageEffectActionBeginSequenceRender, kOfxImageEffectActionIsIdentity, kOfxImageEffectActionRender}) {
        CHECK_MESSAGE(send(action, nullptr) == kOfxStatErrBadHandle, action);
    }
    // Without their properties, the actions have no meaning.
    CHECK(send(kOfxActionInstanceChanged, effect->handle()) == kOfxStatReplyDefault);
    CHECK(send(kOfxImageEffectActionIsIdentity, effect->handle()) == kOfxStatReplyDefault);
    CHECK(effect->press("generate") == kOfxStatOK);
}
