package api

import (
	"net/http"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// accountRoutes are the routes by which people get an account or get back into it,
// the one that tells who is there, and the one that tries out whether mail works.
func (a *API) accountRoutes() []Route {
	const users = "/api/v1/users"
	return []Route{
		{Method: http.MethodPost, Path: users + "/signup", Access: Public, MaxBody: smallBody, Handle: (*call).signUp},
		{Method: http.MethodPut, Path: users + "/registrationConfirmation", Access: Public, MaxBody: smallBody, Handle: (*call).confirmSignUp},
		{Method: http.MethodPut, Path: users + "/resendRegistrationToken", Access: Public, MaxBody: smallBody, Handle: (*call).resendConfirmation},
		{Method: http.MethodPost, Path: users + "/checkEmailInUse", Access: Public, MaxBody: smallBody, Handle: (*call).emailInUse},
		{Method: http.MethodPost, Path: users + "/checkEmailVerified", Access: Public, MaxBody: smallBody, Handle: (*call).emailInUse},
		{Method: http.MethodPost, Path: users + "/generatePasswordResetLink", Access: Public, MaxBody: smallBody, Handle: (*call).requestReset},
		{Method: http.MethodPost, Path: users + "/password/reset", Access: Public, MaxBody: smallBody, Handle: (*call).finishReset},
		{Method: http.MethodGet, Path: users + "/online", Access: AdminOnly, Handle: a.typed("user", (*call).listOnline)},
		{Method: http.MethodPut, Path: "/api/v1/system/email/test", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).testMail},
	}
}

// signedUp is a fresh user as clients know it. It is made of the request alone while
// the address waits for its confirmation: nothing in it tells whether the name or
// the address was taken.
type signedUp struct {
	ID              entity.ID `json:"id"`
	Name            string    `json:"name"`
	FQN             string    `json:"fullyQualifiedName"`
	DisplayName     string    `json:"displayName"`
	Version         float64   `json:"version"`
	UpdatedAt       int64     `json:"updatedAt"`
	UpdatedBy       string    `json:"updatedBy"`
	Email           string    `json:"email"`
	IsBot           bool      `json:"isBot"`
	IsAdmin         bool      `json:"isAdmin"`
	Deleted         bool      `json:"deleted"`
	IsEmailVerified bool      `json:"isEmailVerified"`
}

func (c *call) signUp() error {
	var body struct {
		FirstName string `json:"firstName"`
		LastName  string `json:"lastName"`
		Email     string `json:"email"`
		Password  string `json:"password"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	done, err := c.auth.SignUp(c.ctx(), auth.SignUpRequest{
		FirstName: body.FirstName, LastName: body.LastName, Email: body.Email, Password: body.Password, Address: c.address(),
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, signedUp{
		ID: done.ID, Name: done.Name, FQN: entity.QuoteName(done.Name), DisplayName: done.DisplayName, Version: 0.1,
		UpdatedAt: done.At.UnixMilli(), UpdatedBy: done.Name, Email: done.Email,
	})
}

func (c *call) confirmSignUp() error {
	if _, err := c.auth.ConfirmSignUp(c.ctx(), c.query.Get("token")); err != nil {
		return err
	}
	return c.json(http.StatusOK, "Email Verified Successfully")
}

func (c *call) resendConfirmation() error {
	if err := c.auth.ResendConfirmation(c.ctx(), c.query.Get("user"), c.address()); err != nil {
		return err
	}
	return c.json(http.StatusOK, "Email Verification Mail Sent. Please check your Mailbox.")
}

// emailBody is the body of several routes.
func (c *call) emailBody() (string, error) {
	var body struct {
		Email string `json:"email"`
	}
	err := c.decode(&body)
	return body.Email, err
}

// emailInUse also answers whether an address is confirmed: users come into being by
// the confirmation.
func (c *call) emailInUse() error {
	email, err := c.emailBody()
	if err != nil {
		return err
	}
	used, err := c.auth.EmailInUse(c.ctx(), email, c.address())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, used)
}

func (c *call) requestReset() error {
	email, err := c.emailBody()
	if err != nil {
		return err
	}
	if err := c.auth.RequestReset(c.ctx(), email, c.address()); err != nil {
		return err
	}
	return c.json(http.StatusOK, "If there is an account with this address, a mail with a link is on its way.")
}

func (c *call) finishReset() error {
	var body struct {
		Username        string `json:"username"`
		Password        string `json:"password"`
		ConfirmPassword string `json:"confirmPassword"`
		Token           string `json:"token"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.Password != body.ConfirmPassword {
		return entity.BadRequest("Password and Confirm Password should match")
	}
	err := c.auth.FinishReset(c.ctx(), auth.ResetRequest{Name: body.Username, Password: body.Password, Token: body.Token, Address: c.address()})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, "Password Changed Successfully")
}

func (c *call) testMail() error {
	email, err := c.emailBody()
	if err != nil {
		return err
	}
	if err := c.auth.SendTestMail(c.ctx(), email); err != nil {
		return err
	}
	return c.json(http.StatusOK, "Test Email Sent Successfully.")
}
