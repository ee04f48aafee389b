#include "../project_file.hpp"
#include "../timeline.hpp"
#include "fakes.hpp"
#include "outside.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace kinescore::bridge;
namespace fs = std::filesystem;

namespace {

/// No program that a tester may have open has this name.
const std::string program = "kdl" + std::to_string(::getpid());
const std::string title = "K" + program.substr(1);
const std::vector<std::string> editors{program};

void put(const std::string &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

Problem::Kind kind_of(const std::function<void()> &call, std::string *sentence = nullptr) {
    try {
        call();
    } catch (const Problem &problem) {
        if (sentence) {
            *sentence = problem.what();
        }
        return problem.kind();
    }
    FAIL("nothing was thrown");
    return Problem::Kind::usage;
}

struct stat about(const std::string &path) {
    struct stat status {};
    ::stat(path.c_str(), &status);
    return status;
}

/// A program with an editor's name that was started with arguments and does nothing: a shell that
/// waits for input.
class Editor {
public:
    Editor(const fakes::Folder &folder, const std::vector<std::string> &arguments, const std::string &name = program) {
        const std::string copy = folder.path() + "/bin/" + name;
        fs::create_directories(folder.path() + "/bin");
        fs::copy_file("/bin/sh", copy, fs::copy_options::overwrite_existing);
        int pipe[2];
        REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
        std::vector<std::string> all{copy, "-c", "read -r line"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        std::vector<char *> pointers;
        for (std::string &argument : all) {
            pointers.push_back(argument.data());
        }
        pointers.push_back(nullptr);
        process_ = ::fork();
        if (process_ == 0) {
            if (::dup2(pipe[0], 0) == 0 && ::chdir(folder.path().c_str()) == 0) {
                ::execv(copy.c_str(), pointers.data());
            }
            ::_exit(127);
        }
        ::close(pipe[0]);
        input_ = pipe[1];
        for (int attempt = 0; attempt < 1000; ++attempt) {
            if (fakes::content("/proc/" + number() + "/comm") == name.substr(0, 15) + "\n") {
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        FAIL("the program did not start");
    }
    Editor(const Editor &) = delete;
    Editor &operator=(const Editor &) = delete;
    ~Editor() {
        ::close(input_);
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

    std::string number() const { return std::to_string(process_); }

private:
    pid_t process_ = -1;
    int input_ = -1;
};

/// Runs something as a user other than root, for whom file modes apply.
template <typename Call> void as_plain_user(const fakes::Folder &folder, const Call &call) {
    if (::geteuid() != 0) {
        call();
        return;
    }
    REQUIRE(::chmod(folder.path().c_str(), about(folder.path()).st_mode | 0055) == 0);
    REQUIRE(::seteuid(65534) == 0);
    call();
    REQUIRE(::seteuid(0) == 0);
}

} // namespace

TEST_CASE("a project is read completely, and its path is absolute") {
    const fakes::Folder folder;
    const std::string bytes("<mlt>\r\n\0</mlt>", 15);
    put(folder.path() + "/my film.v2.mlt", bytes);
    fs::create_symlink("my film.v2.mlt", folder.path() + "/link.mlt");
    const ProjectFile file(folder.path() + "/./link.mlt");
    CHECK(file.bytes() == bytes);
    CHECK(file.path() == folder.path() + "/my film.v2.mlt");
    CHECK(file.folder() == folder.path());
    CHECK(file.stem() == "my film.v2");
}

TEST_CASE("a path that is not a file is a problem of the input, which names it") {
    const fakes::Folder folder;
    std::string sentence;
    CHECK(kind_of([&] { ProjectFile(folder.path() + "/none.mlt"); }, &sentence) == Problem::Kind::input);
    CHECK(sentence.find("none.mlt") != std::string::npos);
    CHECK(kind_of([&] { ProjectFile(folder.path()); }) == Problem::Kind::input);
    put(folder.path() + "/secret.mlt", "<mlt/>");
    ::chmod((folder.path() + "/secret.mlt").c_str(), 0);
    as_plain_user(folder, [&] {
        CHECK(kind_of([&] { ProjectFile(folder.path() + "/secret.mlt"); }, &sentence) == Problem::Kind::input);
    });
    CHECK(sentence.find("secret.mlt") != std::string::npos);
}

TEST_CASE("paths are made absolute against a root") {
    CHECK(ProjectFile::absolute("a/../b.mp4", "/films") == "/films/b.mp4");
    CHECK(ProjectFile::absolute("/c.mp4", "/films") == "/c.mp4");
    CHECK(ProjectFile::absolute("", "/films").empty());
    CHECK(ProjectFile::absolute("b.mp4", "films") == (fs::current_path() / "films/b.mp4").string());
}

TEST_CASE("the same bytes write nothing") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/p.kdenlive";
    put(path, "one");
    const auto before = about(path);
    ProjectFile file(path);
    file.write("one", editors);
    CHECK(about(path).st_ino == before.st_ino);
    CHECK(folder.files() == std::vector<std::string>{"p.kdenlive"});
}

TEST_CASE("a project is replaced as a whole, keeps its mode, and the previous file is kept") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/p.kdenlive";
    put(path, "one");
    ::chmod(path.c_str(), 0640);
    const auto before = about(path);
    ProjectFile file(path);
    file.write("two", editors);
    CHECK(fakes::content(path) == "two");
    CHECK(file.bytes() == "two");
    CHECK((about(path).st_mode & 07777) == 0640);
    CHECK(about(path).st_uid == before.st_uid);
    CHECK(about(path).st_gid == before.st_gid);
    CHECK(about(path).st_ino != before.st_ino);
    CHECK(fakes::content(path + ".bak") == "one");
    CHECK((about(path + ".bak").st_mode & 07777) == 0640);
    file.write("three", editors);
    CHECK(fakes::content(path + ".bak") == "one");
    CHECK(fakes::content(path + ".bak2") == "two");
    // A backup that exists already is not written again.
    file.write("two", editors);
    file.write("three", editors);
    CHECK(folder.files() ==
          std::vector<std::string>{"p.kdenlive", "p.kdenlive.bak", "p.kdenlive.bak2", "p.kdenlive.bak3"});
    CHECK(fakes::content(path + ".bak3") == "three");
}

TEST_CASE("a project that is written repeatedly does not fill its folder") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/p.mlt";
    put(path, "first");
    ProjectFile file(path);
    for (int number = 0; number < 30; ++number) {
        file.write(std::to_string(number), editors);
    }
    CHECK(folder.files().size() == 21);
    CHECK(fakes::content(path + ".bak") == "first");
    CHECK(fakes::content(path + ".bak20") == "28");
    CHECK(fakes::content(path) == "29");
}

TEST_CASE("through a link, the file is replaced and the link stays") {
    const fakes::Folder folder, other;
    put(other.path() + "/p.kdenlive", "one");
    fs::create_symlink(other.path() + "/p.kdenlive", folder.path() + "/link.kdenlive");
    ProjectFile file(folder.path() + "/link.kdenlive");
    file.write("two", editors);
    CHECK(fs::is_symlink(folder.path() + "/link.kdenlive"));
    CHECK(fakes::content(other.path() + "/p.kdenlive") == "two");
    CHECK(folder.files() == std::vector<std::string>{"link.kdenlive"});
    CHECK(fakes::content(other.path() + "/p.kdenlive.bak") == "one");
}

TEST_CASE("a project that another program has written in the meantime is left alone") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/p.kdenlive";
    put(path, "one");
    ProjectFile file(path);
    REQUIRE(outside::runs("printf other > '" + path + "'"));
    std::string sentence;
    CHECK(kind_of([&] { file.write("two", editors); }, &sentence) == Problem::Kind::changed);
    CHECK(sentence.find(path) != std::string::npos);
    CHECK(fakes::content(path) == "other");
    CHECK(file.bytes() == "one");
    CHECK(folder.files() == std::vector<std::string>{"p.kdenlive"});
    fs::remove(path);
    CHECK(kind_of([&] { file.write("two", editors); }) == Problem::Kind::changed);
    CHECK(folder.files().empty());
}

TEST_CASE("of several runs that write one project at once, one succeeds, and the others get an error") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/p.mlt";
    for (int round = 0; round < 30; ++round) {
        put(path, "round " + std::to_string(round));
        std::atomic<int> waiting{0}, written{0}, refused{0};
        constexpr int runs = 4;
        std::vector<std::thread> threads;
        for (int run = 0; run < runs; ++run) {
            threads.emplace_back([&, run] {
                ProjectFile file(path);
                ++waiting;
                while (waiting < runs) {
                    std::this_thread::yield();
                }
                try {
                    file.write("run " + std::to_string(run) + std::string(100'000, ' '), editors);
                    ++written;
                } catch (const Problem &problem) {
                    refused += problem.kind() == Problem::Kind::changed ? 1 : 0;
                }
            });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
        REQUIRE(written == 1);
        REQUIRE(refused == runs - 1);
    }
}

TEST_CASE("projects that killed runs have not finished writing are removed after an hour, and nothing else") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/p.mlt";
    put(path, "one");
    const std::vector<std::string> kept{".soundtrack-notes1", ".soundtrack-notes.txt", ".soundtrack-young1", "p.mlt",
                                        "p.mlt.bak", "soundtrack-Ab12Cd"};
    put(folder.path() + "/.soundtrack-Ab12Cd", "half");
    fakes::age(folder.path() + "/.soundtrack-Ab12Cd", 61);
    for (const char *name : {".soundtrack-notes.txt", "soundtrack-Ab12Cd"}) {
        put(folder.path() + "/" + name, "the user's");
        fakes::age(folder.path() + "/" + name, 6000);
    }
    fs::create_directory(folder.path() + "/.soundtrack-notes1");
    put(folder.path() + "/.soundtrack-young1", "half");
    ProjectFile(path).write("two", editors);
    std::vector<std::string> sorted = kept;
    std::sort(sorted.begin(), sorted.end());
    CHECK(folder.files() == sorted);
}

TEST_CASE("if nothing can be written, everything stays unchanged") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/p.kdenlive";
    put(path, "one");
    ProjectFile file(path);
    std::string sentence;
    SUBCASE("a folder that cannot be written to") {
        ::chmod(folder.path().c_str(), 0555);
        as_plain_user(folder, [&] {
            CHECK(kind_of([&] { file.check_writable(editors); }) == Problem::Kind::output);
            CHECK(kind_of([&] { file.write("two", editors); }, &sentence) == Problem::Kind::output);
        });
        ::chmod(folder.path().c_str(), 0755);
    }
    SUBCASE("a file that may only be read") {
        ::chmod(path.c_str(), 0444);
        as_plain_user(folder,
                      [&] { CHECK(kind_of([&] { file.write("two", editors); }, &sentence) == Problem::Kind::output); });
    }
    CHECK(sentence.find(path) != std::string::npos);
    CHECK(fakes::content(path) == "one");
    CHECK(folder.files() == std::vector<std::string>{"p.kdenlive"});
}

TEST_CASE("an editor that was started with a project has it open") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/my film.kdenlive";
    const std::string other = folder.path() + "/other.kdenlive";
    put(path, "one");
    put(other, "one");
    ProjectFile file(path);
    CHECK(ProjectFile::open_in(path, editors).empty());
    SUBCASE("by its path") {
        const Editor editor(folder, {path});
        CHECK(ProjectFile::open_in(path, editors) == title + " (process " + editor.number() + ")");
        CHECK(ProjectFile::open_in(other, editors).empty());
        CHECK(ProjectFile::open_in(path, {"shotcut"}).empty());
        std::string sentence;
        CHECK(kind_of([&] { file.write("two", editors); }, &sentence) == Problem::Kind::changed);
        CHECK(kind_of([&] { file.check_writable(editors); }) == Problem::Kind::changed);
        CHECK(sentence.find(title + " (process " + editor.number() + ") has it open") != std::string::npos);
        CHECK(fakes::content(path) == "one");
        CHECK_FALSE(fs::exists(path + ".bak"));
    }
    SUBCASE("by a path in its working directory") {
        const Editor editor(folder, {"--verbose", "./my film.kdenlive"});
        CHECK(ProjectFile::open_in(path, editors) == title + " (process " + editor.number() + ")");
    }
    SUBCASE("by a URL, as file managers name it") {
        for (const std::string start : {"file://", "file://localhost"}) {
            const Editor editor(folder, {start + folder.path() + "/my%20film.kdenlive"});
            CHECK(ProjectFile::open_in(path, editors) == title + " (process " + editor.number() + ")");
        }
    }
    SUBCASE("by a link") {
        fs::create_symlink(path, folder.path() + "/link.kdenlive");
        const Editor editor(folder, {"link.kdenlive"});
        CHECK_FALSE(ProjectFile::open_in(path, editors).empty());
    }
    SUBCASE("and not one that was started with another") {
        const Editor editor(folder, {other});
        CHECK(ProjectFile::open_in(path, editors).empty());
        file.write("two", editors);
        CHECK(fakes::content(path) == "two");
    }
    SUBCASE("and one without any may have it open by its menu") {
        const Editor editor(folder, {"--verbose"});
        CHECK(ProjectFile::open_in(path, editors) == title + " (process " + editor.number() + ")");
        std::string sentence;
        CHECK(kind_of([&] { file.write("two", editors); }, &sentence) == Problem::Kind::changed);
        CHECK(sentence.find("may have it open") != std::string::npos);
    }
    SUBCASE("and not another program") {
        const Editor editor(folder, {path}, "viewer");
        CHECK(ProjectFile::open_in(path, editors).empty());
    }
    CHECK(ProjectFile::open_in(path, {"nobody"}).empty());
}

TEST_CASE("a name longer than the system keeps is found by the program's path") {
    const fakes::Folder folder;
    const std::string path = folder.path() + "/p.mlt";
    put(path, "one");
    const Editor editor(folder, {path}, "an-editor-of-a-long-name");
    CHECK_FALSE(ProjectFile::open_in(path, {"an-editor-of-a-long-name"}).empty());
}

TEST_CASE("an editor that keeps unsaved changes of a project has it open, no matter how it was started") {
    const fakes::Folder folder, data;
    const std::string path = folder.path() + "/w 3.kdenlive";
    const std::string other = folder.path() + "/other.kdenlive";
    put(path, "one");
    put(other, "one");
    const char *before = std::getenv("XDG_DATA_HOME");
    const std::string kept = before ? before : "";
    ::setenv("XDG_DATA_HOME", data.path().c_str(), 1);
    const std::string stale = data.path() + "/stalefiles/" + program + "/";
    fs::create_directories(stale);
    std::string encoded = folder.path();
    for (std::size_t slash = encoded.find('/'); slash != std::string::npos; slash = encoded.find('/', slash)) {
        encoded.replace(slash, 1, "%2F");
    }
    {
        const Editor editor(folder, {other});
        CHECK(ProjectFile::open_in(path, editors).empty());
        // In Kdenlive 22.12's form: the MD5 of "w 3.kdenlive", and not that of the path.
        const std::string name = stale + "aae3ec95fd8e35b01001a90bbe39f36b.kdenlive7QQfile_" + encoded + "9TLjK7QQ";
        const auto document = [](const std::string &id) {
            return "<property name=\"kdenlive:docproperties.documentid\">" + id + "</property>";
        };
        put(path, document("1655361074367"));
        put(name, document("1655361074367") + "changes");
        CHECK(ProjectFile::open_in(path, editors).empty()); // no lock: left from a crash
        put(name + ".lock", "1\nkdenlive\nhost\n");
        CHECK(ProjectFile::open_in(path, editors).empty()); // of another process
        put(name + ".lock", editor.number() + "\nkdenlive\nhost\n");
        CHECK(ProjectFile::open_in(path, editors) == title + " (process " + editor.number() + ")");
        // Kdenlive hashes the name, so another project of the folder is distinguished by its
        // document.
        put(name, document("1764426000000"));
        CHECK(ProjectFile::open_in(path, editors).empty());
        // Nothing is saved yet: it may be this one.
        put(name, "");
        CHECK(ProjectFile::open_in(path, editors) == title + " (process " + editor.number() + ")");
        std::string sentence;
        CHECK(kind_of([&] { ProjectFile(path).check_writable(editors); }, &sentence) == Problem::Kind::changed);
        CHECK(sentence.find("may have it open") != std::string::npos);
        put(name, document("1655361074367"));
        const fakes::Folder elsewhere;
        put(elsewhere.path() + "/w 3.kdenlive", document("1655361074367"));
        CHECK(ProjectFile::open_in(elsewhere.path() + "/w 3.kdenlive", editors).empty());
    }
    CHECK(ProjectFile::open_in(path, editors).empty());
    before ? ::setenv("XDG_DATA_HOME", kept.c_str(), 1) : ::unsetenv("XDG_DATA_HOME");
}
