/**
 * The text without the password of any address in it. An address is split at its last @, so that a password may hold
 * one; a quote ends it, since whole lines of JSON are looked at.
 */
export const withoutPasswords = (text: string): string =>
  text.replace(/:\/\/([^:@/\s"]*):[^\s"]*@/g, "://$1:***@");
