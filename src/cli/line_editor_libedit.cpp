// libedit reads and draws in UTF-8 whatever LC_ALL says, as the rest of the program does. Signals
// are ours: libedit would pass them on to the whole process group.
#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <histedit.h>
#include <unistd.h>

#include "cli/line_editor.h"
#include "report/ansi.h"

namespace mascing::cli {
namespace {

constexpr int kMostRemembered = 1000;
constexpr char kUncounted = '\1';  // around what takes no column of a prompt
constexpr std::array<int, 4> kEnding = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

volatile std::sig_atomic_t caught_signal = 0;

extern "C" void note_signal(int signal_number) {
  caught_signal = signal_number;
}

/// Signals interrupt the reading instead of ending the process in a terminal without echo.
class SignalsNoted {
 public:
  SignalsNoted() {
    caught_signal = 0;
    struct sigaction noting = {};
    noting.sa_handler = note_signal;  // no SA_RESTART: the read ends
    for (size_t i = 0; i < kEnding.size(); ++i) {
      sigaction(kEnding[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) {
        sigaction(kEnding[i], &noting, nullptr);
      }
    }
  }
  SignalsNoted(const SignalsNoted&) = delete;
  SignalsNoted& operator=(const SignalsNoted&) = delete;
  ~SignalsNoted() {
    for (size_t i = 0; i < kEnding.size(); ++i) {
      sigaction(kEnding[i], &before_[i], nullptr);
    }
  }

 private:
  std::array<struct sigaction, kEnding.size()> before_ = {};
};

/// The characters of this thread are UTF-8 while it lives; nothing else of the locale changes.
class InUtf8 {
 public:
  InUtf8() {
    for (const char* name : {"C.UTF-8", "C.utf8", "en_US.UTF-8", ""}) {
      ours_ = newlocale(LC_CTYPE_MASK, name, nullptr);
      if (ours_ != nullptr) {
        break;
      }
    }
    before_ = uselocale(ours_);  // null: stays as it is
  }
  InUtf8(const InUtf8&) = delete;
  InUtf8& operator=(const InUtf8&) = delete;
  ~InUtf8() {
    uselocale(before_);
    if (ours_ != nullptr) {
      freelocale(ours_);
    }
  }

 private:
  locale_t ours_ = nullptr;
  locale_t before_ = nullptr;
};

bool can_move_cursor() {
  const char* value = std::getenv("TERM");
  const std::string_view name = value == nullptr ? "" : value;
  return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && !name.empty() &&
         name != "dumb" && name != "emacs";
}

char* prompt_of(EditLine* editor) {
  std::string* prompt = nullptr;
  el_get(editor, EL_CLIENTDATA, &prompt);
  return prompt->data();
}

/// What terminals send for keys that libedit leaves unbound.
void bind_keys(EditLine* editor) {
  constexpr std::array<std::array<const char*, 2>, 10> kKeys = {{{"^R", "em-inc-search-prev"},
                                                                 {"\\e[3~", "ed-delete-next-char"},
                                                                 {"\\e[1~", "ed-move-to-beg"},
                                                                 {"\\e[4~", "ed-move-to-end"},
                                                                 {"\\e[H", "ed-move-to-beg"},
                                                                 {"\\e[F", "ed-move-to-end"},
                                                                 {"\\eOH", "ed-move-to-beg"},
                                                                 {"\\eOF", "ed-move-to-end"},
                                                                 {"\\e[1;5C", "em-next-word"},
                                                                 {"\\e[1;5D", "ed-prev-word"}}};
  for (const auto& [key, function] : kKeys) {
    el_set(editor, EL_BIND, key, function, nullptr);
  }
}

}  // namespace

struct LineEditor::State {
  State() {
    const InUtf8 utf8;
    history.reset(history_init());
    editor.reset(el_init("mascing", stdin, stderr, stderr));
    if (!history || !editor) {
      return;
    }
    HistEvent event;
    ::history(history.get(), &event, H_SETSIZE, kMostRemembered);
    ::history(history.get(), &event, H_SETUNIQUE, 1);
    el_set(editor.get(), EL_CLIENTDATA, &prompt);
    el_set(editor.get(), EL_PROMPT_ESC, prompt_of, kUncounted);
    el_set(editor.get(), EL_HIST, ::history, history.get());
    el_set(editor.get(), EL_EDITOR, "emacs");
    bind_keys(editor.get());
    el_source(editor.get(), nullptr);  // the user's ~/.editrc has the last word
  }

  struct EndHistory {
    void operator()(History* one) const { history_end(one); }
  };
  struct EndEditor {
    void operator()(EditLine* one) const { el_end(one); }
  };
  std::string prompt;
  std::unique_ptr<History, EndHistory> history;
  std::unique_ptr<EditLine, EndEditor> editor;
};

LineEditor::LineEditor() {
  if (can_move_cursor()) {
    state_ = std::make_unique<State>();
  }
}

LineEditor::~LineEditor() = default;

std::string LineEditor::library() {
  return "libedit";
}

bool LineEditor::works() const {
  return state_ && state_->history && state_->editor;
}

void LineEditor::remember(const std::string& line) {
  HistEvent event;
  ::history(state_->history.get(), &event, H_ENTER, line.c_str());
}

LineEditor::Typed LineEditor::read(const std::string& prompt, bool is_bold, std::string& line) {
  const auto uncounted = [](const char* code) {
    return kUncounted + std::string(code) + kUncounted;
  };
  // A prompt ends in a space, since libedit loses what takes no column at the very end.
  const size_t n_word = prompt.find_last_not_of(' ') + 1;
  state_->prompt = is_bold ? uncounted(ansi::kBold) + prompt.substr(0, n_word) +
                                 uncounted(ansi::kReset) + prompt.substr(n_word)
                           : prompt;
  int n_byte = 0;
  const char* typed = nullptr;
  {
    const InUtf8 utf8;
    const SignalsNoted signals;
    el_resize(state_->editor.get());
    typed = el_gets(state_->editor.get(), &n_byte);
  }
  if (caught_signal != 0) {
    (void)!write(STDERR_FILENO, "\n", 1);
    (void)std::raise(caught_signal);
    return Typed::kStopped;
  }
  if (typed == nullptr || n_byte <= 0) {
    return Typed::kEnd;
  }
  line.assign(typed, n_byte);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
    line.pop_back();
  }
  return Typed::kLine;
}

}  // namespace mascing::cli
