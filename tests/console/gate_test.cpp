// Who is let in.
#include "console/gate.h"

#include <gtest/gtest.h>

#include "base/secret.h"

namespace mascing::console {
namespace {

const std::string kToken(32, 'a');

Knock own_knock() {
  return {"GET", "/" + kToken + "/facts", "127.0.0.1:8090", "", "", ""};
}

int status_of(const Knock& knock) {
  const auto refusal = Gate(kToken, 8090).why_refused(knock);
  return refusal ? refusal->status : 200;
}

TEST(Gate, LetsInWhoKnowsTheToken) {
  EXPECT_EQ(status_of(own_knock()), 200);
  for (const std::string& path : {std::string("/"),
                                  std::string(),
                                  "/" + kToken + "b/facts",
                                  "/" + std::string(32, 'b') + "/",
                                  "/facts/" + kToken,
                                  "//" + kToken + "/facts"}) {
    Knock knock = own_knock();
    knock.path = path;
    EXPECT_EQ(status_of(knock), 403) << path;
  }
}

TEST(Gate, KnowsItsHostsByNameAndPort) {
  for (const auto& [host, status] :
       std::vector<std::pair<std::string, int>>{{"localhost:8090", 200},
                                                {"LOCALHOST:8090", 200},
                                                {"127.0.0.1:8091", 421},
                                                {"127.0.0.1", 421},
                                                {"example.org:8090", 421},
                                                {"127.0.0.1:8090.example.org", 421},
                                                {"", 421}}) {
    Knock knock = own_knock();
    knock.host = host;
    EXPECT_EQ(status_of(knock), status) << host;
  }
}

TEST(Gate, AnswersNoPageOfAnotherOrigin) {
  for (const std::string origin : {"http://example.org",
                                   "https://127.0.0.1:8090",
                                   "null",
                                   "http://127.0.0.1:80",
                                   "http://127.0.0.1:8090.example.org"}) {
    Knock knock = own_knock();
    knock.origin = origin;
    EXPECT_EQ(status_of(knock), 403) << origin;
  }
  Knock knock = own_knock();
  knock.origin = "http://127.0.0.1:8090";
  EXPECT_EQ(status_of(knock), 200);
  for (const auto& [site, status] : std::vector<std::pair<std::string, int>>{
           {"same-origin", 200}, {"none", 200}, {"cross-site", 403}, {"same-site", 403}}) {
    knock.fetch_site = site;
    EXPECT_EQ(status_of(knock), status) << site;
  }
}

TEST(Gate, TakesNoForms) {
  Knock knock = own_knock();
  knock.method = "POST";
  for (const auto& [type, status] :
       std::vector<std::pair<std::string, int>>{{"application/json", 200},
                                                {"Application/JSON; charset=utf-8", 200},
                                                {"text/plain", 415},
                                                {"", 415},
                                                {"application/x-www-form-urlencoded", 415}}) {
    knock.content_type = type;
    EXPECT_EQ(status_of(knock), status) << type;
  }
}

TEST(Gate, TellsTheAddressAndWhatIsBehindTheToken) {
  const Gate gate(kToken, 8090);
  EXPECT_EQ(gate.url(), "http://127.0.0.1:8090/" + kToken + "/");
  EXPECT_EQ(gate.name_of("/" + kToken + "/facts"), "/facts");
  EXPECT_EQ(gate.name_of("/" + kToken), "");
}

TEST(Secret, IsLongRandomAndComparedWhole) {
  const std::string token = random_hex(16);
  EXPECT_EQ(token.size(), 32U);
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(token, random_hex(16));
  EXPECT_TRUE(is_same_secret(token, std::string(token)));
  EXPECT_FALSE(is_same_secret(token, token.substr(1)));
  EXPECT_FALSE(is_same_secret("abc", "abd"));
}

}  // namespace
}  // namespace mascing::console
