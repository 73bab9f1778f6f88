// Uses libcurl's easy interface.
#include "judge/http_client.h"

#include <mutex>

#include <curl/curl.h>

#include "base/numeric.h"
#include "mascing/error.h"
#include "mascing/version.h"

namespace mascing {
namespace {

struct HandleDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Sink {
  HttpReply* reply;
  size_t n_max;
};

// Accepting fewer bytes than offered ends the transfer.
size_t on_body(const char* data, size_t /*one*/, size_t n, void* user) {
  const Sink& sink = *static_cast<Sink*>(user);
  std::string& body = sink.reply->body;
  if (body.size() + n > sink.n_max) {
    sink.reply->is_too_long = true;
    return 0;
  }
  body.append(data, n);
  return n;
}

// Called about once a second also while nothing comes; anything but 0 ends the transfer.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(user) ? 1 : 0;
}

void initialise_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

struct HttpClient::State {
  std::unique_ptr<CURL, HandleDeleter> handle;
  std::unique_ptr<curl_slist, ListDeleter> headers;

  void add_header(const std::string& header) {
    curl_slist* longer = curl_slist_append(headers.get(), header.c_str());
    if (longer == nullptr) {
      throw Error(ErrorKind::kSystem, "[judge] out of memory");
    }
    (void)headers.release();
    headers.reset(longer);
  }
};

HttpClient::HttpClient(const std::string& url, const std::string& key)
    : state_(std::make_unique<State>()) {
  initialise_once();
  state_->handle.reset(curl_easy_init());
  CURL* handle = state_->handle.get();
  if (handle == nullptr) {
    throw Error(ErrorKind::kSystem, "[judge] libcurl cannot be initialised");
  }
  state_->add_header("Content-Type: application/json");
  state_->add_header("Accept: application/json");
  state_->add_header("Expect:");  // no waiting for "100 Continue"
  if (!key.empty()) {
    state_->add_header("Authorization: Bearer " + key);
  }
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, state_->headers.get());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, (std::string("mascing/") + version()).c_str());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
}

HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

HttpReply HttpClient::post(const std::string& json, const HttpLimits& limits) {
  CURL* handle = state_->handle.get();
  HttpReply reply;
  Sink sink{&reply, limits.max_body_bytes};
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, json.c_str());
  const curl_off_t n_byte = std::ssize(json);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, n_byte);
  const long timeout_ms = static_cast<long>(limits.timeout_s * 1000.0) + 1;  // NOLINT: curl's type
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  const bool is_watched = limits.must_stop != nullptr;
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, is_watched ? 0L : 1L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, is_watched ? on_progress : nullptr);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, limits.must_stop);
  const CURLcode code = curl_easy_perform(handle);
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_off_t wait_s = 0;
  if (curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait_s) == CURLE_OK && wait_s > 0) {
    reply.retry_after_s = to_double(wait_s);
  }
  if (code != CURLE_OK) {
    reply.error = reply.is_too_long ? "its answer is longer than " +
                                          std::to_string(limits.max_body_bytes) + " bytes"
                                    : curl_easy_strerror(code);
  }
  return reply;
}

}  // namespace mascing
